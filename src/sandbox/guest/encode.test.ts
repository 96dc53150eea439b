// Goal: variables come back from their tagged form as they were, and results are what a reader of JSON expects.
// Method: properties over random data, and tables; the guest's files run in Node here, in QuickJS in the tests of the pool.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { revive } from "./bindings.ts";
import { lastSources, plainText, taggedText } from "./encode.ts";

const copy = (value: unknown): unknown => revive(JSON.parse(taggedText(value)), "value");

const leaf = fc.oneof(
  fc.string(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.bigInt(),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array({ maxLength: 5 }),
);
const { data } = fc.letrec((tie) => ({
  data: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.array(tie("data"), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom("$", "of", "toJSON", "constructor")),
      tie("data"),
      { maxKeys: 4, noNullPrototype: true },
    ),
    fc
      .array(fc.tuple(tie("data"), tie("data")), { maxLength: 4 })
      .map((entries) => new Map(entries)),
    fc.array(tie("data"), { maxLength: 4 }).map((items) => new Set(items)),
  ),
}));

test("data always survives", () => {
  fc.assert(
    fc.property(data, (value) => assert.deepEqual(copy(value), value)),
    { numRuns: 300 },
  );
});

test("JSON is always its own plain form", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) =>
      assert.deepEqual(JSON.parse(plainText(value) ?? ""), JSON.parse(JSON.stringify(value))),
    ),
    {
      numRuns: 200,
    },
  );
});

const plainRows = [
  { name: "a date is ISO text", value: new Date(0), want: "1970-01-01T00:00:00.000Z" },
  { name: "an invalid date is null", value: new Date(Number.NaN), want: null },
  { name: "a Map with text keys is an object", value: new Map([["a", 1]]), want: { a: 1 } },
  { name: "another Map is a list of entries", value: new Map([[1, "a"]]), want: [[1, "a"]] },
  { name: "a Set is a list", value: new Set([1, 2]), want: [1, 2] },
  { name: "a bigint is text", value: { n: 12n }, want: { n: "12" } },
  {
    name: "an error is its name and message",
    value: [new RangeError("no")],
    want: [{ name: "RangeError", message: "no" }],
  },
  { name: "a regular expression is text", value: /a/g, want: "/a/g" },
  { name: "bytes are a list", value: new Uint8Array([1, 2]), want: [1, 2] },
  {
    name: "undefined and functions in an object are dropped",
    value: { a: undefined, b: () => 1, c: 2 },
    want: { c: 2 },
  },
];

for (const { name, value, want } of plainRows) {
  test(`in a result ${name}`, () => assert.deepEqual(JSON.parse(plainText(value) ?? ""), want));
}

const refused = [
  { name: "a function", value: () => 1, reason: /a function; call it/ },
  {
    name: "a promise inside",
    value: { rows: Promise.resolve(1) },
    reason: /"rows" in it is a promise; await it first/,
  },
  { name: "a symbol", value: Symbol("x"), reason: /a symbol/ },
];

for (const { name, value, reason } of refused) {
  test(`as a result ${name} is refused with the reason`, () =>
    assert.throws(() => plainText(value), reason));
}

test("undefined is no value", () => assert.equal(plainText(undefined), undefined));

const unkept = [
  {
    name: "an instance of a class",
    value: new (class Point {})(),
    reason: /an instance of Point cannot be kept/,
  },
  { name: "a symbol", value: Symbol("x"), reason: /symbol/ },
  { name: "a promise", value: Promise.resolve(), reason: /an instance of Promise/ },
  { name: "a built-in function", value: Math.abs, reason: /no source/ },
];

for (const { name, value, reason } of unkept) {
  test(`as a variable ${name} is refused with the reason`, () =>
    assert.throws(() => taggedText(value), reason));
}

const functions = [
  {
    name: "an arrow function",
    value: { f: (a: number) => a + 1 },
    call: (copied: { f(a: number): number }) => copied.f(1),
    want: 2,
  },
  {
    name: "a method",
    value: {
      f(a: number) {
        return a + 2;
      },
    },
    call: (copied: { f(a: number): number }) => copied.f(1),
    want: 3,
  },
];

for (const { name, value, call, want } of functions) {
  test(`${name} survives as its source`, () =>
    assert.equal(call(copy(value) as { f(a: number): number }), want));
}

test("a class survives, and an anonymous one gets its name", () => {
  const made = revive(JSON.parse(taggedText(class {})), "Point") as new () => object;
  assert.equal(made.name, "Point");
  assert.ok(new made() instanceof made);
});

test("the sources of all functions are told", () => {
  taggedText({ a: () => 1, b: [() => 2] });
  assert.deepEqual(lastSources(), ["() => 1", "() => 2"]);
});
