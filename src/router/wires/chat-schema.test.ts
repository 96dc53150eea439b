// Goal: a schema is sent as strict only in a form that OpenAI takes, and what meets that form meets the schema that was given.
// Method: a table of forms; random schemas with random values that meet the adapted form, checked against the original by Ajv.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isObject, type JsonSchema } from "../../lib/json.ts";
import { compileSchema } from "../../lib/schema.ts";
import { strictSchema } from "./chat-schema.ts";

const object = (
  properties: JsonSchema,
  required: readonly string[] = Object.keys(properties),
  more: JsonSchema = {},
) => ({ type: "object", properties, required, ...more });
const strict = (properties: JsonSchema) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const text = { type: "string" };

const rows: readonly {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly want: JsonSchema | undefined;
}[] = [
  {
    name: "an object with all of its properties required gets closed",
    schema: object({ a: text }),
    want: strict({ a: text }),
  },
  {
    name: "an optional string becomes required, because it may be empty",
    schema: object({ a: text, thought: text }, ["a"]),
    want: strict({ a: text, thought: text }),
  },
  {
    name: "an optional list becomes required, because it may be empty",
    schema: object({ a: { type: "array", items: text } }, []),
    want: strict({ a: { type: "array", items: text } }),
  },
  {
    name: "an optional value that may be null becomes required",
    schema: object({ a: { type: ["integer", "null"] } }, []),
    want: strict({ a: { type: ["integer", "null"] } }),
  },
  {
    name: "an optional number has no strict form",
    schema: object({ a: { type: "number" } }, []),
    want: undefined,
  },
  {
    name: "an optional choice has no strict form",
    schema: object({ a: { enum: ["x", "y"] } }, []),
    want: undefined,
  },
  {
    name: "an optional string that cannot be empty has no strict form",
    schema: object({ a: { type: "string", minLength: 2 } }, []),
    want: undefined,
  },
  {
    name: "a free-form object has no strict form",
    schema: object({ a: { type: "object" } }),
    want: undefined,
  },
  {
    name: "an object open to other properties has no strict form",
    schema: object({ a: text }, ["a"], { additionalProperties: true }),
    want: undefined,
  },
  { name: "a value of any form has no strict form", schema: object({ a: {} }), want: undefined },
  {
    name: "a root that is no object has no strict form",
    schema: { type: "array", items: text },
    want: undefined,
  },
  {
    name: "conditions have no strict form",
    schema: object({ a: text }, ["a"], { if: {} }),
    want: undefined,
  },
  { name: "allOf has no strict form", schema: object({ a: { allOf: [text] } }), want: undefined },
  {
    name: "a required name without a property has no strict form",
    schema: object({ a: text }, ["a", "b"]),
    want: undefined,
  },
  {
    name: "nested objects are closed too",
    schema: object({ a: object({ b: text }) }),
    want: strict({ a: strict({ b: text }) }),
  },
  {
    name: "oneOf becomes anyOf",
    schema: object({ a: { oneOf: [text, { type: "null" }] } }),
    want: strict({ a: { anyOf: [text, { type: "null" }] } }),
  },
  {
    name: "what strict mode does not know is told in words",
    schema: object({ a: { type: "string", minLength: 3, description: "A name.", default: "x" } }),
    want: strict({ a: { type: "string", description: 'A name. Must also meet {"minLength":3}.' } }),
  },
  {
    name: "definitions are adapted and referred to",
    schema: object({ a: { $ref: "#/$defs/b", description: "dropped" } }, ["a"], {
      $defs: { b: object({ c: text }) },
    }),
    want: { ...strict({ a: { $ref: "#/$defs/b" } }), $defs: { b: strict({ c: text }) } },
  },
];

for (const { name, schema, want } of rows) {
  test(name, () => {
    assert.deepEqual(strictSchema(schema), want);
  });
}

const { schema: anySchema } = fc.letrec<{ schema: JsonSchema; object: JsonSchema }>((tie) => ({
  schema: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<JsonSchema>(
      { type: "string" },
      { type: "integer" },
      { type: ["number", "null"] },
      { enum: ["a", 1, null] },
      { const: "k" },
      { type: "boolean", title: "B" },
      {},
    ),
    tie("object"),
    tie("schema").map((items) => ({ type: "array", items })),
    fc.tuple(tie("schema"), tie("schema")).map((anyOf) => ({ anyOf })),
  ),
  object: fc
    .record({
      properties: fc.dictionary(fc.constantFrom("a", "b", "c", "thought"), tie("schema"), {
        maxKeys: 3,
      }),
      some: fc.boolean(),
      open: fc.constantFrom(undefined, undefined, false, true),
    })
    .map(({ properties, some, open }) => ({
      type: "object",
      properties,
      required: Object.keys(properties).slice(some ? 1 : 0),
      ...(open !== undefined && { additionalProperties: open }),
    })),
}));

/** Values that meet a strict schema, and that use nothing else than what it says. */
function valuesOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (Array.isArray(schema.anyOf)) return fc.oneof(...schema.anyOf.map(valuesOf));
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum);
  if (schema.const !== undefined) return fc.constant(schema.const);
  return fc.oneof(...[schema.type].flat().map((type) => valuesOfType(String(type), schema)));
}

function valuesOfType(type: string, { properties, items }: JsonSchema): fc.Arbitrary<unknown> {
  if (type === "object")
    return fc.record(
      Object.fromEntries(
        Object.entries(isObject(properties) ? properties : {}).map(([name, member]) => [
          name,
          valuesOf(isObject(member) ? member : {}),
        ]),
      ),
    );
  if (type === "array") return fc.array(valuesOf(isObject(items) ? items : {}), { maxLength: 2 });
  const simple: Record<string, fc.Arbitrary<unknown>> = {
    string: fc.string(),
    integer: fc.integer(),
    number: fc.integer(),
    boolean: fc.boolean(),
    null: fc.constant(null),
  };
  return simple[type] ?? fc.constant(undefined);
}

test("a value that meets the strict form always meets the schema that was given", async () => {
  let adapted = 0;
  await fc.assert(
    fc.asyncProperty(anySchema, async (member) => {
      const schema = object({ member });
      const form = strictSchema(schema);
      if (form === undefined) return;
      adapted += 1;
      const validate = await compileSchema(schema);
      for (const value of fc.sample(valuesOf(form), 5)) assert.deepEqual(validate(value), []);
    }),
    { numRuns: 200 },
  );
  assert.ok(adapted > 20, `only ${adapted} schemas had a strict form`);
});
