// Goal: everything that the model can correct is told to it once, in words that help, and four failures in a row end the turn.
// Method: one scripted mistake per row, then a right answer; the real sandbox and toolbox judge.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { jsTool, testAgents } from "../testing/agent.ts";

const agents = testAgents();
after(() => agents[Symbol.asyncDispose]());

const step = (code: string) => ({ action: "eval_and_continue", code, result: "" });
const complete = (code: string) => ({ action: "eval_and_complete", code, result: "" });
const answer = (result: unknown) => ({ action: "return", result });

const totals = {
  type: "object",
  required: ["total"],
  properties: { total: { type: "number" } },
  additionalProperties: false,
};
const checker = jsTool(
  "checks",
  "function total({ value }) { return value === 'good' || 'the answer is not good enough'; }\nfunction odd() { return 7; }\nfunction broken() { throw new Error('the check broke'); }",
  ["total", "odd", "broken"],
);

const mistakes = [
  {
    name: "an empty reply",
    reply: { text: "" },
    code: "LEG2040",
    want: /^Your reply could not be used:\nthe reply is empty\n/,
  },
  { name: "prose", reply: { text: "I am thinking." }, code: "LEG2040", want: /is not JSON/ },
  {
    name: "half a reply",
    reply: { text: '{"action":"return","result":"' },
    code: "LEG2040",
    want: /is not JSON/,
  },
  {
    name: "1 MB of prose",
    reply: { text: "blah ".repeat(200_000) },
    code: "LEG2040",
    want: /is not JSON/,
  },
  {
    name: "no action",
    reply: { text: '{"code":"1"}' },
    code: "LEG2040",
    want: /the reply has no action/,
  },
  {
    name: "an action that is not allowed",
    spec: { actionTypes: ["eval_and_continue", "return"] },
    reply: { action: "done" },
    code: "LEG2041",
    want: /Action done is not allowed here\. Allowed: eval_and_continue, return\n/,
  },
  {
    name: "eval without code",
    reply: { text: '{"action":"eval_and_continue","code":" ","result":""}' },
    code: "LEG2042",
    want: /needs code/,
  },
  {
    name: "return without a result",
    reply: { text: '{"action":"return","code":""}' },
    code: "LEG2043",
    want: /needs a result/,
  },
  {
    name: "a result that does not meet the output schema",
    spec: { outputSchema: totals },
    reply: answer({ total: "3" }),
    right: answer({ total: 3 }),
    code: "LEG2044",
    want: /^The answer was not accepted:\nit does not meet the output schema: \/total must be a number, but is "3" \(a string\)\n/,
  },
  {
    name: "a result with a field too few and one too many",
    spec: { outputSchema: totals },
    reply: answer({ totl: 3 }),
    right: answer({ total: 3 }),
    code: "LEG2044",
    want: /lacks the required field "total".*unknown field "totl"[\s\S]*did you mean "total"/,
  },
  {
    name: "a value of eval_and_complete that does not meet the output schema",
    reply: complete("42"),
    right: complete("'42'"),
    code: "LEG2044",
    want: /the answer must be a string, but is 42 \(a number\)/,
  },
  {
    name: "an answer that the answer check refuses",
    spec: { tools: ["checks"], answerCheck: "checks.total" },
    reply: answer("bad"),
    right: answer("good"),
    code: "LEG2045",
    want: /^The answer was not accepted:\nthe answer is not good enough\n/,
  },
  {
    name: "a syntax error, with its line and a frame",
    reply: step("const a = 1;\nconst b = = 2;"),
    code: /^LEG3/,
    want: /^Code execution failed:\nSyntaxError.*\(line 2, column \d+\)[\s\S]*const b = = 2;[\s\S]*\^[\s\S]*Please fix the error and try again\.$/,
  },
  {
    name: "a run-time error, with its line and a frame",
    reply: step("console.log('before');\nconst rows = null;\nrows.length"),
    code: /^LEG3/,
    want: /^Code execution failed:\nTypeError.*\(line 3, column \d+\)[\s\S]*rows\.length[\s\S]*Logs:\nbefore\n/,
  },
  {
    name: "a function that does not exist",
    reply: step("fetch('http://x')"),
    code: /^LEG3/,
    want: /ReferenceError.*fetch/,
  },
  {
    name: "a loop without end",
    spec: { sandbox: { timeout: "100ms" } },
    reply: step("while (true) {}"),
    code: /^LEG3/,
    want: /^Code execution failed:\n/,
  },
  {
    name: "too much memory",
    spec: { sandbox: { memory: "16MiB" } },
    reply: step("const all = []; for (;;) all.push(new Uint8Array(1 << 20));"),
    code: /^LEG3/,
    want: /^Code execution failed:\n/,
  },
  {
    name: "a value that is too large",
    spec: { sandbox: { maxResultBytes: "1kB" } },
    reply: step("'x'.repeat(5000)"),
    code: /^LEG3/,
    want: /^Code execution failed:\n/,
  },
  {
    name: "too many tool calls",
    spec: { tools: ["checks"], sandbox: { maxToolCalls: 2 } },
    reply: step("for (let i = 0; i < 3; i++) await tools.checks.odd({});"),
    code: /^LEG3/,
    want: /^Code execution failed:\n/,
  },
  {
    name: "variables over maxBindingsBytes",
    spec: { maxBindingsBytes: "1kB" },
    reply: step("const large = 'x'.repeat(5000); 1"),
    code: /^LEG3/,
    want: /^Code execution failed:\n/,
  },
  {
    name: "a value that contains itself",
    reply: step("const a = {}; a.a = a; a"),
    code: /^LEG3/,
    want: /^Code execution failed:\n/,
  },
];

for (const { name, spec, reply, right = answer("good"), code, want } of mistakes) {
  test(`${name} is told to the model, which corrects it in the same iteration`, async () => {
    const agent = await agents.create({
      spec: { ...spec },
      objects: [checker],
      replies: [reply, right],
    });
    const result = await agent.run();
    assert.equal(result.status, "ok", JSON.stringify(result));
    assert.equal(result.retries, 1);
    assert.equal(result.iterations, 1);
    const [text = ""] = agent.texts("error");
    assert.match(text, want);
    assert.match(text, /\n\nHint: .+/);
    assert.match(text, /Please fix the error and try again\.$/);
  });

  test(`${name} four times in a row ends the turn with that error`, async () => {
    const agent = await agents.create({
      spec: { ...spec },
      objects: [checker],
      replies: [{ when: { contains: " " }, ...reply }],
    });
    const result = await agent.run();
    assert.ok(result.status === "cancel");
    assert.equal(result.reason, "reached_max_retries");
    assert.equal(result.error.code, "LEG2021");
    assert.match(result.lastError?.code ?? "", typeof code === "string" ? new RegExp(code) : code);
    assert.ok(result.error.message.includes(result.lastError?.message ?? "nothing"));
    assert.equal(agent.texts("error").length, 3);
    assert.equal(result.retries, 3);
  });
}

const checks = [
  {
    name: "a check that returns neither true nor a sentence",
    answerCheck: "checks.odd",
    want: /neither true nor a sentence/,
  },
  { name: "a check that throws", answerCheck: "checks.broken", want: /the check broke/ },
];

for (const { name, answerCheck, want } of checks) {
  test(`${name} refuses the answer`, async () => {
    const agent = await agents.create({
      spec: { tools: ["checks"], answerCheck, maxRetries: 0 },
      objects: [checker],
      replies: [answer("good")],
    });
    const result = await agent.run();
    assert.ok(result.status === "cancel");
    assert.equal(result.lastError?.code, "LEG2045");
    assert.match(result.lastError.message, want);
  });
}

test("a failed step does not change the variables", async () => {
  const agent = await agents.create({
    replies: [step("let n = 1;"), step("n = 2; throw new Error('no');"), complete("String(n)")],
  });
  const result = await agent.run();
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.equal(result.value, "1");
});

test("code that ran before its answer was refused has changed the variables", async () => {
  const agent = await agents.create({ replies: [complete("let n = 5; n"), complete("String(n)")] });
  const result = await agent.run();
  assert.ok(result.status === "ok", JSON.stringify(result));
  assert.equal(result.value, "5");
});
