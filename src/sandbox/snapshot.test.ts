// Goal: variables survive as the contract says, and a failed evaluation leaves them as they were.
// Method: real sandboxes; what one keeps is restored into another, and what cannot be kept has to say why.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { Sandbox } from "./contract.ts";
import { createSandboxPool } from "./pool.ts";
import { errorIn, evaluate, resultOf, testLimits, testSurface } from "./testing.ts";

const pool = createSandboxPool();
let sandbox: Sandbox;

before(async () => {
  sandbox = await pool.open({ ...testLimits, timeoutMs: 10_000 }, testSurface);
});
beforeEach(() => sandbox.restore(undefined));
after(() => pool.close());

test("a snapshot makes all variables again, in another sandbox", async () => {
  const code = `const map = new Map([['a', new Set([1n])]]), date = new Date(5), nothing = undefined, bytes = new Uint8Array([1, 2]);
    const failure = new TypeError('no'); const odd = [NaN, -0, Infinity]; const api = { twice(x) { return x * 2 } };
    function total(list) { return list.reduce((a, b) => a + b, 0) } class Box { constructor(v) { this.v = v } get double() { return api.twice(this.v) } }`;
  const first = await evaluate(sandbox, code);
  resultOf(first);
  assert.ok(first.ok);
  assert.deepEqual(first.skipped, []);
  assert.deepEqual(
    first.bindings.map(({ name, type }) => `${name}: ${type}`),
    [
      "map: Map",
      "date: Date",
      "nothing: undefined",
      "bytes: Uint8Array",
      "failure: TypeError",
      "odd: array",
      "api: object",
      "total: function",
      "Box: class",
    ],
  );
  const other = await pool.open({ ...testLimits, timeoutMs: 10_000 }, testSurface);
  await other.restore(first.snapshot);
  const check = `[map.get('a').has(1n), date.getTime(), nothing === undefined && 'nothing' in globalThis, bytes instanceof Uint8Array, failure.message,
    Object.is(odd[0], NaN), Object.is(odd[1], -0), total([1, 2]), new Box(4).double]`;
  assert.deepEqual(resultOf(await evaluate(other, check)), [
    true,
    5,
    true,
    true,
    "no",
    true,
    true,
    3,
    8,
  ]);
  await other.close();
});

const skips = [
  {
    name: "one that refers to itself",
    code: "const loop = {}; loop.self = loop",
    skipped: "loop",
    reason: /refers to itself/,
  },
  {
    name: "a closure",
    code: "const next = (() => { let n = 0; return () => n++ })()",
    skipped: "next",
    reason: /uses "n", a variable of the function around it/,
  },
  {
    name: "an instance of a class",
    code: "class P {}; const p = new P()",
    skipped: "p",
    reason: /an instance of P/,
  },
  {
    name: "a promise",
    code: "const later = Promise.resolve(1)",
    skipped: "later",
    reason: /an instance of Promise/,
  },
  {
    name: "a getter",
    code: "Object.defineProperty(globalThis, 'now', { get: () => 1, configurable: true })",
    skipped: "now",
    reason: /getter/,
  },
  {
    name: "a built-in class that was replaced",
    code: "Map = null",
    skipped: "Map",
    reason: /put back/,
  },
  {
    name: "a built-in method that was replaced",
    code: "Array.prototype.map = null",
    skipped: "Array.prototype",
    reason: /put back/,
  },
];

for (const { name, code, skipped, reason } of skips) {
  test(`a variable that cannot be kept is told with the reason: ${name}`, async () => {
    const evaluation = await evaluate(sandbox, `${code}; const fine = 1`);
    resultOf(evaluation);
    assert.ok(evaluation.ok);
    const told = evaluation.skipped.find((entry) => entry.name === skipped);
    assert.match(told?.reason ?? "", reason);
    assert.ok(evaluation.bindings.some((binding) => binding.name === "fine"));
  });
}

test("after a failed evaluation the variables are those from before it", async () => {
  resultOf(await evaluate(sandbox, "const list = [1]"));
  errorIn(
    await evaluate(sandbox, "list.push(2); const extra = 1; throw new Error('no')"),
    "RuntimeError",
  );
  assert.deepEqual(resultOf(await evaluate(sandbox, "[list, typeof extra]")), [[1], "undefined"]);
});

test("after a syntax error nothing has changed, not even identity", async () => {
  resultOf(
    await evaluate(
      sandbox,
      "const a = {}; const same = a; const hidden = (() => { let n = 0; return () => ++n })(); hidden()",
    ),
  );
  errorIn(await evaluate(sandbox, "const = 1"), "SyntaxError");
  assert.deepEqual(resultOf(await evaluate(sandbox, "[a === same, hidden()]")), [true, 2]);
});
