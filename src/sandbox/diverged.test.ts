// Goal: code that does not follow its record ends as Diverged, the message says where, and nothing is called again.
// Method: a table of records that the code does not fit, beside records that it does fit; the host counts what it is asked.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { EvaluationPast, Host, Sandbox } from "./contract.ts";
import { createSandboxPool } from "./pool.ts";
import { errorIn, evaluate, resultOf, testLimits, testSurface } from "./testing.ts";

const pool = createSandboxPool({ hardGraceMs: 100 });
let sandbox: Sandbox;
before(async () => {
  sandbox = await pool.open(testLimits, testSurface);
  resultOf(await evaluate(sandbox, "let kept = 1"));
});
after(() => pool.close());

type Past = readonly (readonly [name: string, argument: string] | number)[];

/** A call is a pair, an answer the number of its call; it answers with ten times that. */
function pastOf(past: Past): EvaluationPast {
  return {
    calls: past.flatMap((event) =>
      typeof event === "number" ? [] : [{ name: event[0], argument: event[1], readings: "" }],
    ),
    answers: past.flatMap((event) =>
      typeof event === "number"
        ? [{ call: event, reply: { ok: true as const, value: event * 10 } }]
        : [],
    ),
  };
}

const one = ["help", "1"] as const;
const two = ["search", '{"a":1,"b":[2]}'] as const;

const rows: readonly {
  readonly name: string;
  readonly past: Past;
  readonly code: string;
  readonly message: string;
}[] = [
  {
    name: "another function is called",
    past: [one, 1],
    code: "await search(1)",
    message: "call 1 of the code was help(1) the first time and is search(1) now",
  },
  {
    name: "another argument is given",
    past: [one, 1, two, 2],
    code: "await help(1); await search({ a: 1, b: [3] })",
    message:
      'call 2 of the code was search({"a":1,"b":[2]}) the first time and is search({"a":1,"b":[3]}) now',
  },
  {
    name: "an argument is left out",
    past: [one],
    code: "await help()",
    message: "call 1 of the code was help(1) the first time and is help() now",
  },
  {
    name: "two calls have changed places",
    past: [one, two, 1, 2],
    code: "await Promise.all([search({ a: 1, b: [2] }), help(1)])",
    message: 'call 1 of the code was help(1) the first time and is search({"a":1,"b":[2]}) now',
  },
  {
    name: "the variables are changed and the code ends at once",
    past: [one, 1],
    code: "kept = 2; help(2).catch(() => {}); 3",
    message: "call 1 of the code was help(1) the first time and is help(2) now",
  },
  {
    name: "the code never ends",
    past: [one, 1],
    code: "help(2); for (;;) {}",
    message: "call 1 of the code was help(1) the first time and is help(2) now",
  },
  {
    name: "the code ends before its last call",
    past: [one, 1, two, 2],
    code: "kept = 3; await help(1)",
    message:
      'call 2 of the code was search({"a":1,"b":[2]}) the first time and has not been made now',
  },
  {
    name: "the code ends without any call",
    past: [one],
    code: "kept = 4",
    message: "call 1 of the code was help(1) the first time and has not been made now",
  },
  {
    name: "the code throws before its call",
    past: [one, 1],
    code: "null.x",
    message: "call 1 of the code was help(1) the first time and has not been made now",
  },
  {
    name: "the code cannot be read",
    past: [one, 1],
    code: "1 +",
    message: "call 1 of the code was help(1) the first time and has not been made now",
  },
  {
    name: "the code waits for nothing",
    past: [one, 1, two],
    code: "await help(1); await new Promise(() => {})",
    message:
      'call 2 of the code was search({"a":1,"b":[2]}) the first time and has not been made now',
  },
  {
    name: "the code waits for a call that it did not wait for",
    past: [one, two],
    code: "await help(1); await search({ a: 1, b: [2] })",
    message:
      'call 2 of the code was search({"a":1,"b":[2]}) the first time and has not been made now',
  },
  {
    name: "an answer comes before its call",
    past: [one, two, 2, 1],
    code: "await help(1); await search({ a: 1, b: [2] })",
    message:
      'call 2 of the code was search({"a":1,"b":[2]}) the first time and has not been made now',
  },
  {
    name: "a long argument is shown in part",
    past: [["help", `"${"x".repeat(5000)}"`], 1],
    code: "await help(1)",
    message: `call 1 of the code was help("${"x".repeat(199)}…) the first time and is help(1) now`,
  },
];

for (const { name, past, code, message } of rows) {
  test(`another way is Diverged: ${name}`, async () => {
    const asked: string[] = [];
    const host: Host = async (called) => {
      asked.push(called);
      return { ok: true, value: null };
    };
    const error = errorIn(await sandbox.evaluate(code, { host, past: pastOf(past) }), "Diverged");
    assert.equal(error.message, message);
    assert.equal(error.code, "LEG3013");
    assert.deepEqual(asked, []);
    assert.equal(resultOf(await evaluate(sandbox, "kept")), 1);
  });
}

test("a stop from outside stays what it is, however little of the record has been followed", async () => {
  const past = pastOf([one, 1]);
  const host: Host = async () => assert.fail("nothing is called");
  errorIn(await sandbox.evaluate("for (;;) {}", { host, past }), "Timeout");
  const signal = AbortSignal.timeout(20);
  errorIn(
    await sandbox.evaluate("for (;;) {}", { host, past, signal, timeoutMs: 5000 }),
    "Aborted",
  );
});

const fitting = [
  { name: "keys in another order", argument: '{"b":[2],"a":1}' },
  { name: "other spaces", argument: '{ "a": 1, "b": [2] }' },
];

for (const { name, argument } of fitting) {
  test(`a record may be written otherwise: ${name}`, async () => {
    const past = pastOf([["search", argument], 1]);
    const host: Host = async () => assert.fail("nothing is called");
    const code = "await search({ a: 1, b: [2] })";
    assert.equal(resultOf(await sandbox.evaluate(code, { host, past })), 10);
  });
}

test("the host is asked for what was begun only when all recorded calls have been made", async () => {
  const past = pastOf([one, ["help", "2"], 2, two]);
  const asked: string[] = [];
  const host: Host = async (name, argument, { call, wasBegun }) => {
    asked.push(`${call} ${name} ${JSON.stringify(argument)} ${wasBegun}`);
    return { ok: true, value: call };
  };
  const code =
    "const a = help(1); await help(2); const b = search({ a: 1, b: [2] }); [await a, await b, await help(4)]";
  const evaluation = await sandbox.evaluate(code, { host, past });
  assert.deepEqual(resultOf(evaluation), [1, 3, 4]);
  assert.deepEqual(asked, ["1 help 1 true", '3 search {"a":1,"b":[2]} true', "4 help 4 false"]);
  assert.equal(evaluation.toolCalls, 4);
});
