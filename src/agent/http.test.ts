// Goal: over HTTP a turn comes to the same, streamed or not, and the model gets the schema and the conversation.
// Method: the fake model server on 127.0.0.1, the real openai-chat wire, router and sandbox.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testAgents } from "../testing/agent.ts";
import type { Script } from "../testing/model-server.ts";
import { startModelServer } from "../testing/model-server.ts";

const agents = testAgents();
after(() => agents[Symbol.asyncDispose]());

const step = (code: string) => ({ action: "eval_and_continue", code, result: "" }) as const;
const answer = { thought: "That is it — ça suffit 😀", action: "return", result: "21 😀" } as const;

const provider = (url: string, stream: boolean) => ({
  apiVersion: "legion.dev/v1",
  kind: "Provider",
  metadata: { name: "server" },
  spec: { wire: "openai-chat", baseUrl: url, stream },
});

async function play(script: Script, stream: boolean) {
  await using server = await startModelServer(script);
  const agent = await agents.create({
    spec: { model: "server/m-1", modelOptions: { temperature: 0.5 } },
    objects: [provider(server.url, stream)],
  });
  const result = await agent.run({ task: "What is 20 + 1?" });
  const deltas = agent.events.flatMap(({ kind, data }) =>
    kind === "legion.llm.delta" ? [data] : [],
  );
  return { result, deltas, messages: agent.session.messages, requests: server.requests };
}

test("streamed and not streamed, a turn comes to the same", async () => {
  const script = [step("const n = 20 + 1;\nn"), { text: "Let me think." }, answer];
  const streamed = await play(script, true);
  const whole = await play(script, false);
  const told = ({ result, messages }: typeof streamed) => {
    const { run: _, durationMs: __, ...rest } = result;
    return { ...rest, messages: messages.map(({ type, text }) => ({ type, text })) };
  };
  assert.deepEqual(told(streamed), told(whole));
  assert.ok(streamed.result.status === "ok", JSON.stringify(streamed.result));
  assert.equal(streamed.result.value, "21 😀");
  assert.equal(streamed.result.model, "server/m-1");
  assert.equal(streamed.result.retries, 1);
  assert.ok(streamed.deltas.length > 3);
});

test("each request has the system prompt first, the options, and the reply schema", async () => {
  const { requests } = await play([step("1"), answer], false);
  assert.equal(requests.length, 2);
  for (const { body } of requests) {
    const { messages, temperature, response_format: format } = JSON.parse(JSON.stringify(body));
    assert.equal(messages[0].role, "system");
    assert.match(messages[0].content, /^# How you work/);
    assert.equal(temperature, 0.5);
    assert.equal(format.type, "json_schema");
    assert.deepEqual(format.json_schema.schema.properties.result, { type: "string" });
  }
  const roles = (requests[1]?.body.messages as { role: string }[]).map(({ role }) => role);
  assert.deepEqual(roles, ["system", "user", "assistant", "user"]);
  assert.deepEqual(firstMessage(requests[0]?.body), firstMessage(requests[1]?.body));
});

function firstMessage(body: Record<string, unknown> | undefined): unknown {
  return Array.isArray(body?.messages) ? body.messages[0] : undefined;
}

test("a reply that was cut off at the limit of tokens is told so", async () => {
  const cut = {
    text: '{"action":"eval_and_continue","code":"const a = ',
    finish: "length",
  } as const;
  const { result, messages } = await play([cut, answer], true);
  assert.equal(result.status, "ok", JSON.stringify(result));
  assert.match(messages[2]?.text ?? "", /cut off at the limit of output tokens/);
});

test("a stream that breaks off is the router's matter: the turn ends without a word to the model", async () => {
  const broken = { ...answer, fault: { kind: "cut", afterBytes: 200 } } as const;
  const { result, messages } = await play(() => broken, true);
  assert.ok(result.status === "cancel");
  assert.equal(result.reason, "provider_failed");
  assert.deepEqual(
    messages.map(({ type }) => type),
    ["user"],
  );
});

test("a server that is not there is a provider failure that names it", async () => {
  const server = await startModelServer([]);
  await server.close();
  const agent = await agents.create({
    spec: { model: "server/m" },
    objects: [provider(server.url, true)],
  });
  const result = await agent.run();
  assert.ok(result.status === "cancel");
  assert.equal(result.reason, "provider_failed");
  assert.match(result.error.message, /server/);
});
