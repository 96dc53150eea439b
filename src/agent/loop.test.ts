// Goal: each action of the protocol does what its row of the table says, and a turn ends for the right reason.
// Method: scripted models, the real router, toolbox and sandbox; results, conversation and events are looked at.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { builtinTool, jsTool, testAgents } from "../testing/agent.ts";

const agents = testAgents();
after(() => agents[Symbol.asyncDispose]());

const anything = { outputSchema: {} };
const step = (code: string) => ({ action: "eval_and_continue", code, result: "" });
const complete = (code: string) => ({ action: "eval_and_complete", code, result: "ignored" });
const answer = (result: unknown) => ({ action: "return", result });

const finishing = [
  { name: "return finishes with the result", replies: [answer("yes")], want: "yes" },
  {
    name: "return takes any value that the output schema allows",
    spec: anything,
    replies: [answer({ list: [1, null] })],
    want: { list: [1, null] },
  },
  { name: "done finishes with null", replies: [{ action: "done" }], want: null },
  {
    name: "eval_and_complete finishes with the value of the code, not with the result",
    replies: [complete('"from code"')],
    want: "from code",
  },
  {
    name: "eval_and_complete takes a top-level return",
    replies: [complete('if (1 < 2) return "early";\n"late"')],
    want: "early",
  },
  {
    name: "eval_and_complete without a value is null where the schema allows null",
    spec: anything,
    replies: [complete("const a = 1;")],
    want: null,
  },
  {
    name: "eval_and_continue goes on, and the next step sees its variables",
    replies: [step("const words = ['a', 'b'];"), complete("words.join('-')")],
    want: "a-b",
    iterations: 2,
  },
  {
    name: "top-level await and functions work",
    replies: [
      step("async function twice(x) { return (await x) * 2; }"),
      complete("String(await twice(Promise.resolve(21)))"),
    ],
    want: "42",
    iterations: 2,
  },
  {
    name: "TypeScript in the code is understood",
    replies: [
      complete(
        "interface Row { n: number }\nconst rows: Row[] = [{ n: 7 }];\nString(rows[0]!.n as number)",
      ),
    ],
    want: "7",
  },
  {
    name: "code in a fence is run",
    replies: [complete("```js\n'fenced'\n```")],
    want: "fenced",
  },
  {
    name: "a reply in a fence and prose counts",
    replies: [
      { text: 'Here you are:\n```json\n{"action":"return","code":"","result":"found"}\n```' },
    ],
    want: "found",
  },
  {
    name: "a result of 1 MB gets through",
    replies: [answer("x".repeat(1_000_000))],
    want: "x".repeat(1_000_000),
  },
  {
    name: "the last iteration may still finish",
    spec: { maxIterations: 2 },
    replies: [step("1"), answer("in time")],
    want: "in time",
    iterations: 2,
  },
];

for (const { name, spec, replies, want, iterations = 1 } of finishing) {
  test(name, async () => {
    const agent = await agents.create({ spec: { ...spec }, replies });
    const result = await agent.run();
    assert.ok(result.status === "ok", JSON.stringify(result));
    assert.deepEqual(result.value, want);
    assert.equal(result.iterations, iterations);
    assert.equal(result.retries, 0);
  });
}

test("the model reads task, results, logs and variables in this order", async () => {
  const replies = [step("console.log('looking');\nconst n = 20 + 1;\nn"), answer("21")];
  const agent = await agents.create({ replies });
  await agent.run({ task: "What is 20 + 1?" });
  const [task, action, result, last] = agent.session.messages;
  assert.deepEqual([task?.type, task?.text], ["user", "What is 20 + 1?"]);
  assert.deepEqual([action?.type, JSON.parse(action?.text ?? "")], ["assistant", replies[0]]);
  assert.equal(result?.type, "eval_result");
  assert.match(
    result.text,
    /^Code executed successfully\. Result:\n```json\n21\n```\n\nLogs:\nlooking\n\nAvailable variables: n \(number, \d+ B\)$/,
  );
  assert.equal(last?.type, "assistant");
});

test("ten iterations are the most", async () => {
  const agent = await agents.create({ replies: [{ when: { contains: " " }, ...step("1") }] });
  const result = await agent.run();
  assert.ok(result.status === "cancel");
  assert.equal(result.reason, "reached_max_iterations");
  assert.equal(result.error.code, "LEG2020");
  assert.equal(result.iterations, 10);
  assert.equal(agent.texts("eval_result").length, 10);
});

test("tools are called from the code, and errors of tools are errors of the code", async () => {
  const shop = jsTool(
    "shop",
    "function price({ item }) { if (item !== 'tea') throw new Error('no ' + item); return 3; }",
    ["price"],
  );
  const agent = await agents.create({
    spec: { tools: ["shop", "now"], outputSchema: { type: "number" } },
    objects: [shop, builtinTool("now")],
    replies: [
      step("(await tools.now.now({})).iso"),
      step("await tools.shop.price({ item: 'milk' })"),
      complete("await tools.shop.price({ item: 'tea' })"),
    ],
  });
  const result = await agent.run();
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.equal(result.value, 3);
  assert.equal(result.toolCalls, 3);
  assert.equal(result.retries, 1);
  assert.match(agent.texts("error")[0] ?? "", /^Code execution failed:\n.*no milk/);
  const stops = agent.events.filter(({ kind }) => kind === "legion.tool.call.stop");
  assert.deepEqual(
    stops.map(({ data }) => data).map((data) => "ok" in data && data.ok),
    [true, false, true],
  );
});

test("a tool that does not exist is an error that names those that do", async () => {
  const agent = await agents.create({
    spec: { tools: ["now"] },
    objects: [builtinTool("now")],
    replies: [step("await tools.nwo.now({})"), answer("sorry")],
  });
  await agent.run();
  assert.match(agent.texts("error")[0] ?? "", /nwo[\s\S]*\nHint: .*now/);
});

test("help and search tell about tools", async () => {
  const agent = await agents.create({
    spec: { tools: ["now"], outputSchema: {} },
    objects: [builtinTool("now")],
    replies: [
      complete(
        "[JSON.stringify(await help('now.now')), JSON.stringify(await search('current date'))]",
      ),
    ],
  });
  const result = await agent.run();
  assert.ok(result.status === "ok" && Array.isArray(result.value), JSON.stringify(result));
  assert.match(String(result.value[0]), /timeZone/);
  assert.match(String(result.value[1]), /now/);
});

test("events say what led to what", async () => {
  const agent = await agents.create({ replies: [step("1"), answer("2")] });
  await agent.run();
  const kinds = agent.events.map(({ kind }) => kind).filter((kind) => kind !== "legion.llm.delta");
  const request = ["legion.llm.request.start", "legion.llm.request.stop"];
  const said = "legion.agent.message.added";
  assert.deepEqual(kinds, [
    "legion.agent.started",
    said,
    "legion.iteration.start",
    ...request,
    said,
    "legion.sandbox.eval.start",
    "legion.sandbox.eval.stop",
    said,
    "legion.iteration.stop",
    "legion.iteration.start",
    ...request,
    said,
    "legion.iteration.stop",
    "legion.agent.stopped",
  ]);
  const byId = new Map(agent.events.map((event) => [event.id, event.kind]));
  const causes = agent.events.map(({ causedBy }) => byId.get(causedBy ?? ""));
  assert.equal(causes[0], undefined);
  assert.ok(causes.slice(1).every((cause) => cause !== undefined));
});

test("the model's tokens and name are reported", async () => {
  const agent = await agents.create({ replies: [step("1"), answer("2")] });
  const result = await agent.run();
  assert.equal(result.model, "script/it");
  assert.ok(result.usage.inputTokens > 0 && result.usage.outputTokens > 0);
  const stops = agent.events.flatMap(({ kind, data }) =>
    kind === "legion.llm.request.stop" ? [data.usage.outputTokens] : [],
  );
  assert.equal(stops.length, 2);
  assert.equal(
    stops.reduce((sum, tokens) => sum + tokens, 0),
    result.usage.outputTokens,
  );
});

test("an agent that may not evaluate never opens a sandbox", async () => {
  const agent = await agents.create({
    spec: { actionTypes: ["return"] },
    replies: [answer("yes")],
  });
  const pool = () => Promise.reject(new Error("a sandbox was asked for"));
  const result = await agent.run({ pool });
  assert.equal(result.status, "ok");
});

test("a sandbox that cannot be opened ends the turn", async () => {
  const agent = await agents.create({ replies: [step("1")] });
  const result = await agent.run({ pool: () => Promise.reject(new Error("no room")) });
  assert.ok(result.status === "cancel");
  assert.equal(result.reason, "terminated");
  assert.match(result.error.message, /no room/);
});

test("without a session a turn has a conversation of its own", async () => {
  const agent = await agents.create({ replies: [answer("yes")] });
  const result = await agent.runAlone();
  assert.equal(result.status, "ok");
  assert.deepEqual(agent.session.messages, []);
});

test("whatever a model says, a turn ends with a result", async () => {
  const words = fc.constantFrom("action", "return", "done", "result", "code", "eval_and_continue");
  const replies = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json(),
    fc
      .record({
        action: fc.oneof(words, fc.jsonValue()),
        code: fc.jsonValue(),
        result: fc.jsonValue(),
      })
      .map((value) => JSON.stringify(value)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(replies, { minLength: 1, maxLength: 5 }), async (texts) => {
      const spec = { actionTypes: ["return", "done"], maxRetries: 10 };
      const agent = await agents.create({ spec, replies: texts.map((text) => ({ text })) });
      const result = await agent.run();
      const reason = result.status === "cancel" ? result.reason : "";
      // The script ends when every reply was to be corrected.
      assert.ok(result.status === "ok" || reason === "provider_failed", JSON.stringify(result));
    }),
    { numRuns: 50 },
  );
});
