// Goal: in mode tools an agent works by native calls: they run at the same time, each has one result in the order of the calls,
// what is wrong with a call is its result and never a retry, and a reply without calls is the answer.
// Method: agents over the real loader, loop, tools and wire; a model server says what a row says and keeps the requests.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { jsTool, type TestAgent, testAgents } from "../testing/agent.ts";
import type { ModelReply } from "../testing/model-reply.ts";
import { type ModelServer, startModelServer } from "../testing/model-server.ts";
import type { Message } from "./session.ts";
import { CALLS_MAX } from "./tool-replies.ts";

const agents = testAgents();
after(() => agents[Symbol.asyncDispose]());

const apiVersion = "legion.dev/v1";
const sum = jsTool(
  "sum",
  `function add({ a, b }) { return a + b; }
  function text() { return "plain"; }
  function nothing() {}
  function fail() { throw new Error("no luck"); }
  function check({ value }) { return value === "right" || "say right"; }`,
  ["add", "text", "nothing", "fail", "check"],
);
const shop = {
  apiVersion,
  kind: "Tool",
  metadata: { name: "shop" },
  spec: {
    type: "js",
    description: "A shop.",
    source: "function buy({ item }) { return { item }; }",
    functions: {
      buy: {
        description: "Buys.",
        parameters: {
          type: "object",
          required: ["item"],
          additionalProperties: false,
          properties: { item: { enum: ["tea", "milk"] } },
        },
      },
    },
  },
};

interface Played extends AsyncDisposable {
  readonly agent: TestAgent;
  readonly server: ModelServer;
}

/** An agent in mode tools whose model says these replies, one a request. */
async function played(
  replies: readonly ModelReply[],
  spec: Readonly<Record<string, unknown>> = {},
): Promise<Played> {
  const server = await startModelServer(replies);
  const provider = {
    ...{ apiVersion, kind: "Provider", metadata: { name: "loopback" } },
    spec: { wire: "openai-chat", baseUrl: server.url },
  };
  const agent = await agents.create({
    spec: { mode: "tools", model: "loopback/m", tools: ["sum", "shop"], ...spec },
    objects: [sum, shop, provider],
  });
  return { agent, server, [Symbol.asyncDispose]: () => server.close() };
}

const told = ({ session }: TestAgent) =>
  session.messages.map(({ type, text }: Message) => [type, text]);
const resultsOf = (agent: TestAgent) => agent.texts("tool_result");

test("calls of one reply run at the same time, and their results stand in the order of the calls", async () => {
  await using play = await played([
    {
      text: "I look.",
      toolCalls: [
        { name: "buy", arguments: { item: "tea" } },
        { name: "add", arguments: { a: 1, b: 2 } },
        { name: "text" },
        { name: "nothing", arguments: "" },
      ],
    },
    { text: "It is 3." },
  ]);
  const { agent } = play;
  const result = await agent.run();
  assert.deepEqual([result.status, result.status === "ok" && result.value], ["ok", "It is 3."]);
  assert.deepEqual([result.iterations, result.toolCalls, result.retries], [2, 4, 0]);
  assert.deepEqual(told(agent), [
    ["user", "Do it."],
    ["assistant", "I look."],
    ["tool_result", '{"item":"tea"}'],
    ["tool_result", "3"],
    ["tool_result", "plain"],
    ["tool_result", ""],
    ["assistant", "It is 3."],
  ]);
  const kinds = agent.events.map(({ kind }) => kind).filter((kind) => kind.includes("tool.call"));
  const started = kinds.lastIndexOf("legion.tool.call.start");
  assert.ok(started < kinds.indexOf("legion.tool.call.stop"), kinds.join(" "));
  const [first] = agent.events.filter(({ kind }) => kind === "legion.iteration.stop");
  assert.equal((first?.data as { action?: string }).action, "call");
});

test("a request declares the functions sorted, with calls and results as they were, and asks for no form of reply", async () => {
  await using play = await played([
    { toolCalls: [{ id: "c7", name: "add", arguments: '{"a": 1, "b": 2}' }] },
    { text: "3" },
  ]);
  await play.agent.run();
  const [first, second] = play.server.requests.map(({ body }) => body);
  const names = (first?.tools as { function: { name: string } }[]).map(
    ({ function: { name } }) => name,
  );
  assert.deepEqual(names, ["add", "buy", "check", "fail", "nothing", "text"]);
  assert.equal(first?.response_format, undefined);
  assert.deepEqual(second?.tools, first?.tools);
  const [system, ...rest] = second?.messages as { role: string; content: string }[];
  assert.match(system?.content ?? "", /call/);
  assert.deepEqual(rest, [
    { role: "user", content: "Do it." },
    {
      ...{ role: "assistant", content: null },
      tool_calls: [
        { id: "c7", type: "function", function: { name: "add", arguments: '{"a": 1, "b": 2}' } },
      ],
    },
    { role: "tool", tool_call_id: "c7", content: "3" },
  ]);
});

const faults: readonly {
  readonly name: string;
  readonly call: NonNullable<ModelReply["toolCalls"]>[number];
  readonly want: readonly RegExp[];
}[] = [
  {
    name: "a function that does not exist",
    call: { name: "bay", arguments: {} },
    want: [/^Error: no function is named "bay" \(LEG4002\)/, /did you mean "buy"/, /Valid: add, /],
  },
  {
    name: "a name as code would say it",
    call: { name: "shop.buy", arguments: { item: "tea" } },
    want: [/LEG4002/, /buy/],
  },
  {
    name: "arguments that are half of a JSON text",
    call: { name: "buy", arguments: '{"item": "te' },
    want: [/^Error: the arguments of buy are not JSON/, /LEG2048/, /Hint: /],
  },
  {
    name: "arguments that are no object",
    call: { name: "buy", arguments: '["tea"]' },
    want: [/buy takes one object, but got/, /LEG4003/],
  },
  {
    name: "arguments nested ten thousand deep",
    call: { name: "buy", arguments: `{"item":${"[".repeat(10_000)}${"]".repeat(10_000)}}` },
    want: [/nested too deeply/, /LEG2048/],
  },
  {
    name: "arguments that the schema refuses",
    call: { name: "buy", arguments: { item: "beer" } },
    want: [/LEG4005/, /"item"/, /tea, milk/],
  },
  {
    name: "a function that fails",
    call: { name: "fail" },
    want: [/^Error: .*no luck/, /LEG4008/],
  },
];

for (const { name, call, want } of faults) {
  test(`${name} is an error result, no retry, and harms no call beside it`, async () => {
    const good = { name: "add", arguments: { a: 2, b: 2 } };
    await using play = await played([{ toolCalls: [call, good] }, { text: "done" }]);
    const result = await play.agent.run();
    assert.deepEqual([result.status, result.retries, result.iterations], ["ok", 0, 2]);
    const [error = "", beside] = resultsOf(play.agent);
    for (const part of want) assert.match(error, part);
    assert.doesNotMatch(error, /await tools/);
    assert.equal(beside, "4");
  });
}

test(`of more than ${CALLS_MAX} calls in a reply the first are made and each has its result`, async () => {
  const toolCalls = Array.from({ length: CALLS_MAX + 2 }, (_, index) => ({
    name: "nope",
    id: `c${index}`,
  }));
  toolCalls[0] = { name: "text", id: "c0" };
  toolCalls[CALLS_MAX] = { name: "text", id: `c${CALLS_MAX}` };
  await using play = await played([{ toolCalls }, { text: "done" }]);
  const result = await play.agent.run();
  assert.deepEqual([result.status, result.toolCalls], ["ok", 1]);
  const results = resultsOf(play.agent);
  assert.equal(results.length, CALLS_MAX + 2);
  assert.equal(results[0], "plain");
  for (const text of results.slice(CALLS_MAX)) assert.match(text, /LEG2049.*\nHint: .*next reply/);
});

test("calls with the same id, or with none, get ids of their own", async () => {
  const add = (id: string, a: number) => ({ id, name: "add", arguments: { a, b: 0 } });
  await using play = await played([
    { toolCalls: [add("x", 1), add("x", 2), add("x_2", 3)] },
    { text: "done" },
  ]);
  await play.agent.run();
  const messages = play.server.requests[1]?.body.messages as { tool_call_id?: string }[];
  const ids = messages.flatMap(({ tool_call_id: id }) => (id === undefined ? [] : [id]));
  assert.equal(new Set(ids).size, 3);
  assert.deepEqual(resultsOf(play.agent), ["1", "2", "3"]);
});

const point = {
  type: "object",
  required: ["x"],
  additionalProperties: false,
  properties: { x: { type: "integer" } },
};

const answers: readonly {
  readonly name: string;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly texts: readonly string[];
  readonly value?: unknown;
  /** What the model reads of each answer that was not accepted. */
  readonly errors?: readonly RegExp[];
}[] = [
  { name: "text as it is, also when it is JSON", texts: ['{"x":1}'], value: '{"x":1}' },
  {
    name: "JSON where an object is wanted",
    spec: { outputSchema: point },
    texts: ['{"x":1}'],
    value: { x: 1 },
  },
  {
    name: "JSON in a code fence",
    spec: { outputSchema: point },
    texts: ['```json\n{"x": 1}\n```'],
    value: { x: 1 },
  },
  {
    name: "words where an object is wanted are corrected",
    spec: { outputSchema: point },
    texts: ["x is 1", '{"x":1}'],
    value: { x: 1 },
    errors: [/The answer was not accepted:\nthe answer is not JSON/],
  },
  {
    name: "an object of another form is corrected",
    spec: { outputSchema: point },
    texts: ['{"y":1}', '{"x":1}'],
    value: { x: 1 },
    errors: [/does not meet the output schema/],
  },
  {
    name: "words where anything goes",
    spec: { outputSchema: {} },
    texts: ["hello"],
    value: "hello",
  },
  { name: "JSON where anything goes", spec: { outputSchema: {} }, texts: ["[1]"], value: [1] },
  {
    name: "text that the schema refuses is corrected",
    spec: { outputSchema: { type: "string", enum: ["yes", "no"] } },
    texts: ["maybe", "yes"],
    value: "yes",
    errors: [/does not meet the output schema/],
  },
  {
    name: "an answer that the check refuses is corrected",
    spec: { answerCheck: "sum.check" },
    texts: ["wrong", "right"],
    value: "right",
    errors: [/say right/],
  },
  { name: "an empty reply is corrected", texts: ["", "here"], value: "here", errors: [/empty/] },
];

for (const { name, spec, texts, value, errors = [] } of answers) {
  test(`answer: ${name}`, async () => {
    await using play = await played(
      texts.map((text) => ({ text })),
      spec,
    );
    const result = await play.agent.run();
    assert.deepEqual(result.status === "ok" ? result.value : result, value);
    assert.deepEqual([result.retries, result.iterations], [errors.length, 1]);
    const read = play.agent.texts("error");
    assert.equal(read.length, errors.length);
    for (const [index, want] of errors.entries()) assert.match(read[index] ?? "", want);
  });
}

test("a reply that was cut off at the limit of tokens is no answer", async () => {
  await using play = await played([{ text: "Once upon a", finish: "length" }, { text: "Short." }]);
  const result = await play.agent.run();
  assert.deepEqual(result.status === "ok" && [result.value, result.retries], ["Short.", 1]);
  assert.match(play.agent.texts("error")[0] ?? "", /cut off/);
});

test("after as many retries as there are the turn is cancelled with the last error", async () => {
  const texts = Array.from({ length: 4 }, () => ({ text: "no" }));
  await using play = await played(texts, { outputSchema: point });
  const result = await play.agent.run();
  assert.equal(result.status === "cancel" && result.reason, "reached_max_retries");
  assert.equal(result.status === "cancel" && result.lastError?.code, "LEG2044");
});

test("maxIterations counts requests", async () => {
  const replies = Array.from({ length: 3 }, () => ({ toolCalls: [{ name: "text" }] }));
  await using play = await played(replies, { maxIterations: 3 });
  const result = await play.agent.run();
  assert.equal(result.status === "cancel" && result.reason, "reached_max_iterations");
  assert.deepEqual([play.server.requests.length, result.toolCalls], [3, 3]);
});

test("a second turn goes on with the calls and results of the first", async () => {
  await using play = await played([
    { toolCalls: [{ name: "text" }] },
    { text: "plain" },
    { text: "as before" },
  ]);
  await play.agent.run();
  const result = await play.agent.run({ task: "Again." });
  assert.equal(result.status === "ok" && result.value, "as before");
  const roles = (play.server.requests[2]?.body.messages as { role: string }[]).map(
    ({ role }) => role,
  );
  assert.deepEqual(roles, ["system", "user", "assistant", "tool", "assistant", "user"]);
});

test("an agent without tools declares none and answers", async () => {
  await using play = await played([{ text: "hello" }], { tools: [] });
  const result = await play.agent.run();
  assert.equal(result.status, "ok");
  assert.equal("tools" in (play.server.requests[0]?.body ?? {}), false);
});
