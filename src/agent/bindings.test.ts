// Goal: variables live exactly as long as bindingScope says, and what was cut from a message can be recalled.
// Method: two turns of one session for each scope, in the real sandbox; long messages and recall() in code.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { byteLength } from "../lib/text.ts";
import { testAgents } from "../testing/agent.ts";
import { successText } from "./messages.ts";
import { createRecall } from "./recall.ts";
import { createSession } from "./session.ts";

const agents = testAgents();
after(() => agents[Symbol.asyncDispose]());

const step = (code: string) => ({ action: "eval_and_continue", code, result: "" });
const complete = (code: string) => ({ action: "eval_and_complete", code, result: "" });

/** Says whether n is there: in the next step of the first turn, then in the second turn. */
const probing = [step("var n = 1;"), complete("typeof n"), complete("typeof n")];

const scopes = [
  { bindingScope: "iteration", nextStep: "undefined", nextTurn: "undefined" },
  { bindingScope: "turn", nextStep: "number", nextTurn: "undefined" },
  { bindingScope: "conversation", nextStep: "number", nextTurn: "number" },
];

for (const { bindingScope, nextStep, nextTurn } of scopes) {
  test(`with scope ${bindingScope} a variable is ${nextStep} in the next step and ${nextTurn} in the next turn`, async () => {
    const agent = await agents.create({ spec: { bindingScope }, replies: probing });
    const first = await agent.run();
    const second = await agent.run();
    assert.ok(first.status === "ok" && second.status === "ok");
    assert.deepEqual([first.value, second.value], [nextStep, nextTurn]);
    const [result = ""] = agent.texts("eval_result");
    assert.equal(result.includes("Available variables: n"), nextStep === "number");
  });
}

test("a conversation goes on in another process: messages and variables are data", async () => {
  const replies = [
    complete("const n = 41; function next() { return n + 1; } 'kept'"),
    complete("String(next())"),
  ];
  const agent = await agents.create({ spec: { bindingScope: "conversation" }, replies });
  await agent.run();
  const { messages, snapshot = "" } = JSON.parse(JSON.stringify(agent.session));
  const session = createSession({ messages, snapshot });
  const result = await agent.run({ session });
  await session.close();
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.equal(result.value, "42");
});

test("turns of one session run one after the other", async () => {
  const agent = await agents.create({
    spec: { bindingScope: "conversation" },
    replies: [complete("var a = 'first'; a"), complete("a + ' and second'")],
  });
  const [first, second] = await Promise.all([agent.run(), agent.run()]);
  assert.ok(first.status === "ok" && second.status === "ok", JSON.stringify(second));
  assert.equal(second.value, "first and second");
});

test("other limits open another sandbox, with the variables in it", async () => {
  const agent = await agents.create({
    spec: { bindingScope: "conversation" },
    replies: [complete("var a = 'kept'; a"), complete("a")],
  });
  const other = await agents.create({
    spec: { bindingScope: "conversation", sandbox: { memory: "32MiB" } },
    replies: [complete("'other'"), complete("a")],
  });
  await agent.run();
  const result = await other.run({ session: agent.session });
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.equal(result.value, "kept");
});

test("a long message is cut, and recall returns the whole of it", async () => {
  // What is on the screen of the model: the handle is the same each time for the same text.
  const whole = successText(
    {
      ...{
        ok: true,
        value: `start ${"x".repeat(3000)} end`,
        logs: [],
        logsCut: false,
        readings: "",
      },
      ...{ bindings: [], skipped: [], snapshot: "{}", toolCalls: 0, durationMs: 0 },
    },
    true,
  );
  const handle = createRecall().keep(whole);
  const agent = await agents.create({
    spec: { maxMessageLength: 500 },
    replies: [
      step("'start ' + 'x'.repeat(3000) + ' end'"),
      complete(
        `const whole = await recall('${handle}'); String(whole.includes('start ' + 'x'.repeat(3000) + ' end'))`,
      ),
    ],
  });
  const result = await agent.run();
  const [text = ""] = agent.texts("eval_result");
  assert.equal(byteLength(text), 500);
  assert.match(
    text,
    /^Code executed successfully[\s\S]*start x+\n\[\.\.\. truncated \d+ bytes \.\.\.\] await recall\("m[0-9a-f]{8}"\)/,
  );
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.equal(result.value, "true");
});

test("a handle that was never given out is an error with the right ones", async () => {
  const agent = await agents.create({
    spec: { maxMessageLength: 500 },
    replies: [step("await recall('m1')"), { action: "done" }],
  });
  await agent.run();
  assert.match(agent.texts("error")[0] ?? "", /recall takes the handle/);
});

test("tasks and replies are cut too, and infinity cuts nothing", async () => {
  const replies = [{ action: "return", result: "y".repeat(1000) }];
  const task = "x".repeat(1000);
  const cut = await agents.create({ spec: { maxMessageLength: 300 }, replies });
  await cut.run({ task });
  for (const { text } of cut.session.messages) {
    assert.ok(byteLength(text) <= 300);
    assert.match(text, /truncated \d+ bytes/);
  }
  const whole = await agents.create({ spec: { maxMessageLength: "infinity" }, replies });
  await whole.run({ task });
  assert.equal(whole.session.messages[0]?.text, task);
});
