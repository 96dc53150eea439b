// Goal: what does not meet a schema is told in words that say what to write.
// Method: a table of schemas, values and the issue that must come out.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonSchema } from "./json.ts";
import { compileSchema } from "./schema.ts";

const person: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["name"],
  properties: {
    name: { type: "string", minLength: 2 },
    age: { type: "integer", minimum: 0 },
    role: { enum: ["admin", "guest"] },
    tags: {
      type: "array",
      uniqueItems: true,
      items: { type: "string", pattern: "^[a-z]+$", examples: ["red"] },
    },
  },
};

const rows: {
  name: string;
  value: unknown;
  path: (string | number)[];
  message: RegExp;
  hint: RegExp;
}[] = [
  {
    name: "a missing field",
    value: {},
    path: [],
    message: /^lacks the required field "name"$/,
    hint: /^add "name"$/,
  },
  {
    name: "an unknown field near a known one",
    value: { name: "Al", agee: 3 },
    path: ["agee"],
    message: /^unknown field "agee"$/,
    hint: /^did you mean "age"\?$/,
  },
  {
    name: "an unknown field near none",
    value: { name: "Al", colour: 3 },
    path: ["colour"],
    message: /unknown/,
    hint: /^allowed: name, age, role, tags$/,
  },
  {
    name: "a wrong type",
    value: { name: "Al", age: "3" },
    path: ["age"],
    message: /^must be an integer, but is "3" \(a string\)$/,
    hint: /^write an integer$/,
  },
  {
    name: "a value below the least",
    value: { name: "Al", age: -1 },
    path: ["age"],
    message: /at least 0, but is -1/,
    hint: /at least 0/,
  },
  {
    name: "a value that is not listed",
    value: { name: "Al", role: "gest" },
    path: ["role"],
    message: /but is "gest"/,
    hint: /^did you mean "guest"\? allowed: admin, guest$/,
  },
  {
    name: "a text that is too short",
    value: { name: "A" },
    path: ["name"],
    message: /at least 2 characters/,
    hint: /2 characters/,
  },
  {
    name: "an item of the wrong form",
    value: { name: "Al", tags: ["x", "Y"] },
    path: ["tags", 1],
    message: /does not have the right form: "Y" \(a string\)/,
    hint: /for example red/,
  },
  {
    name: "the same item twice",
    value: { name: "Al", tags: ["x", "x"] },
    path: ["tags", 1],
    message: /at 0 and 1/,
    hint: /remove/,
  },
  {
    name: "a value of another type altogether",
    value: [1],
    path: [],
    message: /must be an object, but is a list of 1/,
    hint: /an object/,
  },
];

for (const { name, value, path, message, hint } of rows) {
  test(`${name} is one issue at its place`, async () => {
    const validate = await compileSchema(person);
    const issues = validate(value);
    assert.equal(issues.length, 1, JSON.stringify(issues));
    assert.deepEqual(issues[0]?.path, path);
    assert.match(issues[0]?.message ?? "", message);
    assert.match(issues[0]?.hint ?? "", hint);
  });
}

test("a valid value has no issue, and a schema is compiled once", async () => {
  const validate = await compileSchema(person);
  assert.deepEqual(validate({ name: "Al", age: 3, role: "guest", tags: ["a"] }), []);
  assert.equal(await compileSchema(person), validate);
});

test("a schema that is none is refused with a code", async () => {
  await assert.rejects(compileSchema({ type: "strin" }), { code: "LEG1090" });
});

test("a pattern that hangs a native regular expression ends", async () => {
  const validate = await compileSchema({ type: "string", pattern: "^(\\w+\\s?)*$" });
  assert.equal(validate(`${"a".repeat(40)}!`).length, 1);
  assert.deepEqual(validate("a b c"), []);
});

test("a pattern that cannot be matched in linear time is refused with the schema", async () => {
  await assert.rejects(compileSchema({ type: "string", pattern: "(?=a)b" }), { code: "LEG1090" });
});

test("thousands of items that are wrong are told as a few issues, soon", async () => {
  const items = { required: ["id"], oneOf: [{ required: ["path"] }, { required: ["url"] }] };
  const validate = await compileSchema({ type: "array", items });
  const startedAt = performance.now();
  assert.ok(validate(Array.from({ length: 16_000 }, () => ({}))).length <= 20);
  assert.ok(performance.now() - startedAt < 5_000);
});

test("a schema that refers to itself alone is an issue and not an exception", async () => {
  const validate = await compileSchema({ $ref: "#" });
  assert.match(validate({})[0]?.message ?? "", /cannot be checked/);
});

test("names that every object inherits are fields like others", async () => {
  const validate = await compileSchema({
    required: ["toString"],
    properties: { constructor: { type: "string" } },
  });
  assert.deepEqual(
    validate({}).map(({ field }) => field),
    ["toString"],
  );
  assert.deepEqual(validate({ toString: 1, constructor: "x" }), []);
});
