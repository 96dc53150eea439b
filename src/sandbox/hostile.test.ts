// Goal: whatever a program does, it ends in a typed error or a value, and harms neither its own sandbox nor another one.
// Method: each hostile program in a test of its own; afterwards the same sandbox has its variables, and another one works.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { EvaluationErrorName, Host, Sandbox } from "./contract.ts";
import { createSandboxPool } from "./pool.ts";
import { echo, testLimits, testSurface, valueFrom } from "./testing.ts";

/** For what has to come to an end of its own: a machine that is busy may take its time. */
const PATIENCE_MS = 10_000;

const pool = createSandboxPool({ hardGraceMs: 1000 });
let attacker: Sandbox;
let neighbour: Sandbox;

before(async () => {
  attacker = await pool.open(testLimits, testSurface);
  neighbour = await pool.open(testLimits, testSurface);
  await valueFrom(attacker, "const kept = new Map([['a', 1]])");
  await valueFrom(neighbour, "const own = 7");
});
after(() => pool.close());

/** The result of a program that is allowed to succeed. */
type Outcome = EvaluationErrorName | "value";

interface Row {
  readonly name: string;
  readonly code: string;
  readonly want: readonly Outcome[];
  readonly host?: Host;
}

const stopped = ["Timeout", "SandboxKilled"] as const;
const exhausted = ["OutOfMemory", "Timeout", "SandboxKilled", "RuntimeError"] as const;
const tooDeep = ["StackOverflow", "OutOfMemory", "SandboxKilled", "Timeout"] as const;
const never: Host = () => new Promise(() => {});

const rows: readonly Row[] = [
  { name: "an endless loop", code: "while (true) {}", want: ["Timeout"] },
  {
    name: "an endless loop that catches everything",
    code: "for (;;) { try { while (true) {} } catch {} }",
    want: ["Timeout"],
  },
  {
    name: "an endless loop in finally",
    code: "try { throw 1 } finally { while (true) {} }",
    want: ["Timeout"],
  },
  {
    name: "an endless sort comparator",
    code: "[3, 1, 2].sort(() => { for (;;) {} })",
    want: ["Timeout"],
  },
  {
    name: "an endless getter in the result",
    code: "({ get a() { for (;;) {} } })",
    want: ["Timeout"],
  },
  {
    name: "an endless Proxy trap",
    code: "new Proxy({}, { get() { for (;;) {} } }).x",
    want: ["Timeout"],
  },
  {
    name: "an endless Proxy trap in the result",
    code: "new Proxy({ a: 1 }, { ownKeys() { for (;;) {} } })",
    want: ["Timeout"],
  },
  { name: "an endless toJSON", code: "({ toJSON() { for (;;) {} } })", want: ["Timeout"] },
  {
    name: "a catastrophic regular expression",
    code: "/^(a+)+$/.test('a'.repeat(40) + 'b')",
    want: stopped,
  },
  {
    name: "a built-in loop over four billion items",
    code: "const a = []; a.length = 2 ** 32 - 1; a.join()",
    want: [...stopped, "OutOfMemory"],
  },
  {
    name: "bytes for ever",
    code: "const hoard = []; for (;;) hoard.push(new Uint8Array(1 << 20))",
    want: exhausted,
  },
  {
    name: "a text that doubles for ever",
    code: "let text = 'x'; for (;;) text += text",
    want: exhausted,
  },
  { name: "one huge text", code: "'x'.repeat(2 ** 28)", want: exhausted },
  { name: "one huge buffer", code: "new ArrayBuffer(2 ** 30)", want: exhausted },
  { name: "an endless recursion", code: "const f = () => f() + 1; f()", want: ["StackOverflow"] },
  {
    name: "an endless recursion that catches everything",
    code: "const f = () => { try { f() } catch { f() } }; f()",
    want: [...stopped, "StackOverflow"],
  },
  {
    name: "writing JSON 100,000 levels deep",
    code: "let deep = []; for (let i = 0; i < 1e5; i++) deep = [deep]; JSON.stringify(deep)",
    want: tooDeep,
  },
  {
    name: "reading JSON 100,000 levels deep",
    code: "JSON.parse('['.repeat(1e5) + ']'.repeat(1e5))",
    want: [...tooDeep, "RuntimeError"],
  },
  {
    name: "the text of nested lists",
    code: "let nested = []; for (let i = 0; i < 1e5; i++) nested = [nested]; String(nested)",
    want: tooDeep,
  },
  {
    name: "eval of 100,000 parentheses",
    code: "(0, eval)('('.repeat(1e5) + ')'.repeat(1e5))",
    want: [...tooDeep, "RuntimeError"],
  },
  {
    name: "code of 100,000 parentheses",
    code: `${"(".repeat(1e5)}1${")".repeat(1e5)}`,
    want: [...tooDeep, "SyntaxError"],
  },
  { name: "a promise that never settles", code: "await new Promise(() => {})", want: ["Timeout"] },
  {
    name: "a call that the host never answers",
    code: "await tools.files.read({})",
    want: ["Timeout"],
    host: never,
  },
  {
    name: "a call that the host never answers and nobody awaits",
    code: "tools.files.read({}); 1",
    want: ["Timeout"],
    host: never,
  },
  { name: "endless microtasks, awaited", code: "for (;;) await 0", want: ["Timeout"] },
  {
    name: "endless microtasks, not awaited",
    code: "const again = () => { Promise.resolve().then(again) }; again(); 1",
    want: ["Timeout"],
  },
  {
    name: "a promise that resolves itself for ever",
    code: "const loop = async () => { for (;;) await null }; loop(); 1",
    want: ["Timeout"],
  },
  {
    name: "20,000 calls at once",
    code: "await Promise.all(Array.from({ length: 20000 }, () => tools.files.read({})))",
    want: ["TooManyToolCalls"],
  },
  {
    name: "a call with 100,000 items",
    code: "(await tools.files.read({ list: Array.from({ length: 1e5 }, (_, i) => i) })).argument.list.length",
    want: ["value", "Timeout"],
  },
  {
    name: "a call with a hundred megabytes",
    code: "await tools.files.read({ text: 'x'.repeat(1e8) })",
    want: exhausted,
  },
  {
    name: "a result of a hundred megabytes",
    code: "'x'.repeat(1e8)",
    want: [...exhausted, "ResultTooLarge"],
  },
  { name: "a result over its limit", code: "'x'.repeat(3e6)", want: ["ResultTooLarge"] },
  {
    name: "variables over their limit",
    code: "const big = 'x'.repeat(3e6); 1",
    want: ["BindingsTooLarge"],
  },
  {
    name: "a result that refers to itself",
    code: "const o = {}; o.o = o; o",
    want: ["NotSerialisable"],
  },
  {
    name: "a result that refers to itself through a Map",
    code: "const m = new Map(); m.set('m', m); m",
    want: ["NotSerialisable"],
  },
  {
    name: "a result that branches for ever",
    code: "let t = {}; for (let i = 0; i < 40; i++) t = [t, t]; t",
    want: exhausted,
  },
  {
    name: "an argument that refers to itself",
    code: "const o = {}; o.o = o; await tools.files.read(o)",
    want: ["RuntimeError"],
  },
  {
    name: "a huge bigint",
    code: "let n = 2n; for (;;) n **= n",
    want: [...exhausted, "RuntimeError"],
  },
  {
    name: "a bigint to decimal",
    code: "String(2n ** 10000000n).length",
    want: [...exhausted, "value"],
  },
  {
    name: "__proto__ in an argument",
    code: 'await tools.files.read(JSON.parse(\'{"__proto__": {"polluted": 1}}\'))',
    want: ["value"],
  },
  {
    name: "the constructor of the constructor",
    code: "(() => {}).constructor.constructor('return process')()",
    want: ["RuntimeError"],
  },
  {
    name: "the constructor of a function of the host",
    code: "tools.files.read.constructor.constructor('return process')()",
    want: ["RuntimeError"],
  },
  { name: "a dynamic import", code: "await import('node:fs')", want: ["RuntimeError"] },
  { name: "overwriting JSON", code: "JSON = null; JSON", want: ["value"] },
  {
    name: "overwriting the functions of JSON",
    code: "JSON.stringify = () => 'x'; JSON.parse = () => { throw 1 }; 1",
    want: ["value"],
  },
  {
    name: "overwriting Promise",
    code: "Promise = null; Object.getPrototypeOf((async () => {})()).then = () => {}; 1",
    want: ["value", "Timeout"],
  },
  {
    name: "a setter on Object.prototype",
    code: "Object.defineProperty(Object.prototype, '0', { set() { throw 1 }, configurable: true }); [1]",
    want: ["value"],
  },
  {
    name: "toJSON on Object.prototype",
    code: "Object.prototype.toJSON = () => 'stolen'; 1",
    want: ["value"],
  },
  {
    name: "deleting the prototypes' methods",
    code: "for (const P of [Array, Map, Promise, Function, String, Object]) for (const k of Reflect.ownKeys(P.prototype)) delete P.prototype[k]; 1",
    want: ["value", "RuntimeError", "Timeout", "SandboxKilled"],
  },
  {
    name: "a replaced globalThis",
    code: "globalThis.globalThis = {}; globalThis.eval = 1; 1",
    want: ["value"],
  },
  {
    name: "a thenable that never settles",
    code: "({ then() {} })",
    want: ["value", "NotSerialisable"],
  },
  {
    name: "a thenable that is awaited and never settles",
    code: "await { then() {} }",
    want: ["Timeout"],
  },
  {
    name: "a species that lies",
    code: "class L extends Array { static get [Symbol.species]() { for (;;) {} } } new L(1, 2).map(x => x)",
    want: ["Timeout"],
  },
  {
    name: "an instance of a class",
    code: "class P { constructor() { this.a = 1 } } new P()",
    want: ["value"],
  },
  { name: "null thrown", code: "throw null", want: ["RuntimeError"] },
  {
    name: "a Proxy thrown",
    code: "throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })",
    want: ["RuntimeError"],
  },
  {
    name: "an endless Proxy thrown",
    code: "throw new Proxy({}, { get() { for (;;) {} } })",
    want: ["Timeout"],
  },
  {
    name: "an error with getters thrown",
    code: "throw Object.defineProperties(new Error('x'), { message: { get() { throw 1 } }, stack: { get() { return {} } } })",
    want: ["RuntimeError"],
  },
  {
    name: "an error with a huge message",
    code: "throw new Error('x'.repeat(1e7))",
    want: ["RuntimeError", "OutOfMemory"],
  },
  {
    name: "an error with a forged stack",
    code: "throw Object.assign(new Error('x'), { stack: 'at code.js:999999:999999' })",
    want: ["RuntimeError"],
  },
  {
    name: "a million console lines",
    code: "for (let i = 0; i < 1e6; i++) console.log('x'.repeat(100))",
    want: ["value", "Timeout"],
  },
  { name: "a huge console line", code: "console.log('x'.repeat(1e7)); 1", want: ["value"] },
  {
    name: "a class with an endless static block",
    code: "class K { static { for (;;) {} } }",
    want: ["Timeout"],
  },
  {
    name: "a getter on globalThis that never ends",
    code: "Object.defineProperty(globalThis, 'g', { get() { for (;;) {} }, enumerable: true, configurable: true }); 1",
    want: ["value"],
  },
  {
    name: "a replaced Error.prepareStackTrace",
    code: "Error.prepareStackTrace = () => { for (;;) {} }; null.x",
    want: ["RuntimeError", "Timeout"],
  },
  {
    name: "an endless iterator",
    code: "[...{ *[Symbol.iterator]() { for (;;) yield 1 } }]",
    want: exhausted,
  },
  { name: "an endless Array.from", code: "Array.from({ length: 2 ** 31 })", want: exhausted },
  {
    name: "a fill of four billion items",
    code: "Array.prototype.fill.call({ length: 2 ** 53 - 1 }, 0)",
    want: [...exhausted],
  },
  {
    name: "types nested too deeply",
    code: `const x: ${"Array<".repeat(3000)}number${">".repeat(3000)} = 1`,
    want: ["value", "SyntaxError", "StackOverflow"],
  },
];

for (const { name, code, want, host } of rows) {
  test(name, async () => {
    const mayStop = want.includes("Timeout") || want.includes("SandboxKilled");
    const evaluation = await attacker.evaluate(code, {
      host: host ?? echo,
      ...(!mayStop && { timeoutMs: PATIENCE_MS }),
    });
    const got: Outcome = evaluation.ok ? "value" : evaluation.error.name;
    assert.ok(
      want.includes(got),
      evaluation.ok
        ? `value ${JSON.stringify(evaluation.value)?.slice(0, 200)}`
        : `${got}: ${evaluation.error.message}`,
    );
    if (!evaluation.ok) {
      assert.match(evaluation.error.code, /^LEG3\d{3}$/);
      assert.ok(evaluation.error.hint.length > 0);
      assert.doesNotMatch(
        JSON.stringify(evaluation.error),
        /node:internal|file:\/\/|legion\.js|node_modules/,
      );
    }
    assert.equal(
      await valueFrom(
        attacker,
        "[...kept].length + JSON.parse('1') + await Promise.resolve(1) + [1].map(x => x)[0]",
      ),
      4,
    );
    assert.equal(await valueFrom(neighbour, "own"), 7);
  });
}
