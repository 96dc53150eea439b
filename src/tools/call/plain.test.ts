// Goal: what crosses between a tool and its caller is plain data of bounded size, and what is not says where it is not (S35).
// Method: any JSON as a property; every kind of hostile or odd value in a table.
import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { plainCopy } from "./plain.ts";

test("any JSON is copied as it is, and its bytes are counted as its JSON has them", () => {
  const key = fc.oneof(
    fc.string().filter((name) => name !== "__proto__"),
    fc.constantFrom("constructor", "prototype", "hasOwnProperty", "toString"),
  );
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue({ maxDepth: 0 }),
      fc.array(tie("json")),
      fc.dictionary(key, tie("json")),
    ),
  }));
  fc.assert(
    fc.property(json, (value) => {
      const text = JSON.stringify(value);
      const bytes = Buffer.byteLength(text);
      const copied = plainCopy(value, bytes + 1 + text.split(/[[\]{},:]/).length);
      assert.ok(copied.ok);
      assert.deepEqual(copied.value, JSON.parse(text));
      assert.deepEqual(plainCopy(value, Math.floor(bytes / 2) - 2), {
        ok: false,
        fault: { kind: "size" },
      });
    }),
  );
});

const deep = (levels: number) => {
  let value: unknown = 1;
  for (let at = 0; at < levels; at += 1) value = [value];
  return value;
};
const cyclic: Record<string, unknown> = { a: {} };
cyclic.a = { b: cyclic };

const faults: { name: string; value: unknown; says: RegExp }[] = [
  { name: "a Map", value: { items: new Map() }, says: /"items" is an instance of Map/ },
  { name: "a Set", value: new Set(), says: /it is an instance of Set/ },
  {
    name: "an instance of a class",
    value: [new (class Person {})()],
    says: /"0" is an instance of Person/,
  },
  { name: "an Error", value: new Error("x"), says: /instance of Error/ },
  { name: "a bigint", value: { a: { b: 1n } }, says: /"a.b" is a bigint/ },
  { name: "a function", value: { f: () => 1 }, says: /"f" is a function/ },
  { name: "a symbol", value: Symbol("s"), says: /it is a symbol/ },
  { name: "NaN", value: { n: Number.NaN }, says: /"n" is NaN/ },
  { name: "infinity", value: Number.POSITIVE_INFINITY, says: /is Infinity/ },
  { name: "a hole in a list", value: [1, undefined], says: /"1" is undefined/ },
  {
    name: "an object that contains itself",
    value: cyclic,
    says: /nested more than 100 levels deep, or contains itself/,
  },
  { name: "100,000 levels", value: deep(100_000), says: /nested more than 100 levels/ },
  {
    name: "a getter that throws",
    value: {
      get x() {
        throw new Error("secret");
      },
    },
    says: /^cannot be read$/,
  },
  {
    name: "a proxy that throws",
    value: new Proxy(
      {},
      {
        ownKeys() {
          throw new Error("secret");
        },
      },
    ),
    says: /^cannot be read$/,
  },
];

for (const { name, value, says } of faults) {
  test(`${name} is refused, and the place is told`, () => {
    const copied = plainCopy(value, 1_000_000);
    assert.ok(!copied.ok && copied.fault.kind === "value");
    assert.match(copied.fault.message, says);
  });
}

const sizes: { name: string; value: unknown }[] = [
  { name: "a long text", value: "x".repeat(2_000) },
  { name: "a text of characters that JSON escapes", value: "\u0000".repeat(200) },
  { name: "a list of 2^32-1 holes", value: Object.assign([], { length: 2 ** 32 - 1 }) },
  {
    name: "many keys",
    value: Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`key${at}`, 1])),
  },
];

for (const { name, value } of sizes) {
  test(`${name} uses up the bytes`, () => {
    assert.deepEqual(plainCopy(value, 1_000), { ok: false, fault: { kind: "size" } });
  });
}

test("dates and what else has toJSON are copied as that says", () => {
  const value = { at: new Date(0), url: new URL("http://a/") };
  assert.deepEqual(plainCopy(value, 1_000), {
    ok: true,
    value: { at: "1970-01-01T00:00:00.000Z", url: "http://a/" },
  });
});

test("fields that are undefined are left out, and undefined itself stays", () => {
  assert.deepEqual(plainCopy({ a: undefined, b: 1 }, 100), { ok: true, value: { b: 1 } });
  assert.deepEqual(plainCopy(undefined, 100), { ok: true, value: undefined });
});

test("objects of another realm are plain objects too", () => {
  assert.deepEqual(plainCopy(runInNewContext("({ a: [1] })"), 100), {
    ok: true,
    value: { a: [1] },
  });
});

test("fields named like parts of every object are data of the copy's own", () => {
  const text = '{"constructor":{"prototype":{"x":1}},"prototype":[{"constructor":null}]}';
  const copied = plainCopy(JSON.parse(text), 1_000);
  assert.ok(copied.ok);
  assert.equal(JSON.stringify(copied.value), text);
  assert.equal(({} as { x?: unknown }).x, undefined);
});

for (const [where, text] of [
  ["__proto__", '{"__proto__":{"x":1}}'],
  ["list.0.__proto__", '{"list":[{"__proto__":1}]}'],
] as const) {
  test(`a field named ${where} is refused, not dropped`, () => {
    const message = `"${where}" is no name for a field`;
    assert.deepEqual(plainCopy(JSON.parse(text), 1_000), {
      ok: false,
      fault: { kind: "key", message },
    });
    assert.equal(({} as { x?: unknown }).x, undefined);
  });
}

test("the copy shares nothing with the value", () => {
  const value = { list: [{ a: 1 }] };
  const copied = plainCopy(value, 100);
  value.list[0] = { a: 2 };
  assert.deepEqual(copied, { ok: true, value: { list: [{ a: 1 }] } });
});
