// Goal: the TypeScript in the prompt says what the JSON Schema says: types, lists, allowed values, what is required, at every level.
// Method: a table; and for random schemas the type is read back by the small parser below and compared, so nothing is lost on the way.
import assert from "node:assert/strict";
import { stripTypeScriptTypes } from "node:module";
import { test } from "node:test";
import fc from "fast-check";
import { isObject } from "../../lib/json.ts";
import { schemaType } from "./schema-type.ts";

const rows: { schema: unknown; type: string }[] = [
  { schema: { type: "string" }, type: "string" },
  { schema: { type: "integer" }, type: "number" },
  { schema: { type: ["string", "null"] }, type: "string|null" },
  { schema: { enum: ["a", 1, null, true] }, type: '"a"|1|null|true' },
  { schema: { const: "a b" }, type: '"a b"' },
  { schema: {}, type: "unknown" },
  { schema: true, type: "unknown" },
  { schema: false, type: "never" },
  { schema: undefined, type: "unknown" },
  { schema: { type: "array", items: { type: "string" } }, type: "string[]" },
  { schema: { type: "array", items: { enum: ["a", "b"] } }, type: '("a"|"b")[]' },
  { schema: { type: "array" }, type: "unknown[]" },
  {
    schema: { prefixItems: [{ type: "string" }, { type: "number" }], items: false, type: "array" },
    type: "[string, number]",
  },
  { schema: { prefixItems: [{ type: "string" }], type: "array" }, type: "[string, ...unknown[]]" },
  {
    schema: { type: "object", properties: { a: { type: "string" }, "b-c": {} }, required: ["a"] },
    type: '{ a: string; "b-c"?: unknown }',
  },
  { schema: { properties: { a: { type: "null" } } }, type: "{ a?: null }" },
  {
    schema: { type: "object", additionalProperties: { type: "number" } },
    type: "Record<string, number>",
  },
  {
    schema: {
      type: "object",
      properties: { a: { type: "string" } },
      additionalProperties: { type: "number" },
    },
    type: "{ a?: string; [key: string]: unknown }",
  },
  { schema: { type: "object" }, type: "Record<string, unknown>" },
  { schema: { type: "object", properties: {}, additionalProperties: false }, type: "{}" },
  {
    schema: { anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] },
    type: "string|string[]",
  },
  { schema: { oneOf: [{ type: "string" }, {}] }, type: "unknown" },
  {
    schema: {
      allOf: [
        { type: "object", properties: { a: { type: "string" } } },
        { anyOf: [{ type: "string" }, { type: "null" }] },
      ],
    },
    type: "{ a?: string } & (string|null)",
  },
  {
    schema: {
      type: "object",
      properties: { a: { $ref: "#/$defs/x" } },
      $defs: { x: { type: "boolean" } },
    },
    type: "{ a?: boolean }",
  },
  { schema: { $ref: "https://elsewhere/schema" }, type: "unknown" },
  { schema: { $ref: "#/$defs/gone" }, type: "unknown" },
];

for (const { schema, type } of rows) {
  test(`${JSON.stringify(schema)} is ${type}`, () => {
    assert.equal(schemaType(schema), type);
    stripTypeScriptTypes(`type T = ${type};`);
  });
}

test("a schema that refers to itself ends", () => {
  const node = { type: "object", properties: { next: { $ref: "#" } } };
  const type = schemaType(node);
  assert.match(type, /^\{ next\?: \{ next\?: .*unknown.* \} \}$/);
  assert.ok(type.length < 200);
});

/** What a type can say of a schema. Integers are numbers to it. */
type Meaning =
  | { kind: "name"; name: string }
  | { kind: "literal"; value: unknown }
  | { kind: "list"; items: Meaning }
  | { kind: "record"; values: Meaning }
  | { kind: "union"; of: Meaning[] }
  | { kind: "object"; fields: Record<string, { required: boolean; type: Meaning }> };

test("what is read back from the type of any schema is what the schema says", () => {
  fc.assert(
    fc.property(schemas, (schema) => {
      const text = schemaType(schema);
      stripTypeScriptTypes(`type T = ${text};`);
      assert.deepEqual(normal(parseType(text)), normal(meaningOf(schema)));
    }),
    { numRuns: 500 },
  );
});

const name = fc.oneof(
  fc.constantFrom("a", "path", "$x", "_y", "items"),
  fc.string({ minLength: 1, maxLength: 6 }).filter((text) => text !== "__proto__"),
);
const { schema: schemas } = fc.letrec<{ schema: Record<string, unknown> }>((tie) => ({
  schema: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ type: fc.constantFrom("string", "number", "integer", "boolean", "null") }),
    fc.record({
      enum: fc.uniqueArray(fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
    fc.record({ type: fc.constant("array"), items: tie("schema") }),
    fc.record({ type: fc.constant("object"), additionalProperties: tie("schema") }),
    fc.record({ anyOf: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }) }),
    fc.record({
      type: fc.uniqueArray(fc.constantFrom("string", "number", "null"), { minLength: 1 }),
    }),
    fc
      .tuple(
        fc.dictionary(name, tie("schema"), { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
        fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      )
      .map(([properties, picks]) => ({
        type: "object",
        properties,
        required: Object.keys(properties).filter((_, at) => picks[at]),
      })),
  ),
}));

const named = (text: string): Meaning => ({ kind: "name", name: text });

/** The meaning of the schemas above, worked out apart from the code under test. */
function meaningOf(schema: Record<string, unknown>): Meaning {
  if (Array.isArray(schema.enum))
    return { kind: "union", of: schema.enum.map((value) => ({ kind: "literal", value })) };
  if (Array.isArray(schema.anyOf)) return { kind: "union", of: schema.anyOf.map(meaningOf) };
  if (Array.isArray(schema.type))
    return { kind: "union", of: schema.type.map((type) => meaningOf({ type })) };
  if (schema.type === "array")
    return { kind: "list", items: meaningOf(schema.items as Record<string, unknown>) };
  if (isObject(schema.properties)) {
    const required = schema.required as string[];
    const fields = Object.entries(schema.properties).map(([key, field]) => [
      key,
      { required: required.includes(key), type: meaningOf(field as Record<string, unknown>) },
    ]);
    return { kind: "object", fields: Object.fromEntries(fields) };
  }
  if (schema.type === "object")
    return {
      kind: "record",
      values: meaningOf(schema.additionalProperties as Record<string, unknown>),
    };
  return named(schema.type === "integer" ? "number" : String(schema.type));
}

/** Unions without unions in them, without doubles, in one order; a union of one is that one. */
function normal(meaning: Meaning): unknown {
  switch (meaning.kind) {
    case "union": {
      const flat = meaning.of.map(normal).flatMap((part) => (isUnion(part) ? part.of : [part]));
      const distinct = [...new Map(flat.map((part) => [JSON.stringify(part), part])).values()];
      if (distinct.length === 1) return distinct[0];
      return {
        kind: "union",
        of: distinct.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
      };
    }
    case "list":
      return { kind: "list", items: normal(meaning.items) };
    case "record":
      return { kind: "record", values: normal(meaning.values) };
    case "object": {
      const fields = Object.entries(meaning.fields).map(([key, { required, type }]) => [
        key,
        { required, type: normal(type) },
      ]);
      return { kind: "object", fields: Object.fromEntries(fields.toSorted()) };
    }
    default:
      return meaning.kind === "name" && meaning.name === "null"
        ? { kind: "literal", value: null }
        : meaning;
  }
}

function isUnion(part: unknown): part is { kind: "union"; of: unknown[] } {
  return (part as { kind?: unknown }).kind === "union";
}

/** Reads the part of TypeScript's types that is written. */
function parseType(text: string): Meaning {
  const tokens =
    text.match(/"(?:[^"\\]|\\.)*"|-?\d[\d.e+-]*|[A-Za-z_$][\w$]*|[{}[\]<>()|;:?,]/g) ?? [];
  let at = 0;
  const take = (wanted?: string): string => {
    const token = tokens[at] ?? "";
    if (wanted !== undefined) assert.equal(token, wanted, `in ${text}`);
    at += 1;
    return token;
  };
  const union = (): Meaning => {
    const of = [list()];
    while (tokens[at] === "|") {
      take("|");
      of.push(list());
    }
    return { kind: "union", of };
  };
  const list = (): Meaning => {
    let meaning = single();
    while (tokens[at] === "[") {
      take("[");
      take("]");
      meaning = { kind: "list", items: meaning };
    }
    return meaning;
  };
  const single = (): Meaning => {
    const token = take();
    if (token === "(") {
      const inside = union();
      take(")");
      return inside;
    }
    if (token === "{") return fields();
    if (token === "Record") {
      for (const part of ["<", "string", ","]) take(part);
      const values = union();
      take(">");
      return { kind: "record", values };
    }
    if (/^["\d-]|^(true|false|null)$/.test(token))
      return { kind: "literal", value: JSON.parse(token) };
    return named(token);
  };
  const fields = (): Meaning => {
    const found: [string, { required: boolean; type: Meaning }][] = [];
    while (tokens[at] !== "}") {
      const key = take();
      const required = tokens[at] !== "?";
      if (!required) take("?");
      take(":");
      found.push([
        key.startsWith('"') ? String(JSON.parse(key)) : key,
        { required, type: union() },
      ]);
      if (tokens[at] === ";") take(";");
    }
    take("}");
    return { kind: "object", fields: Object.fromEntries(found) };
  };
  const meaning = union();
  assert.equal(at, tokens.length, `all of ${text} is read`);
  return meaning;
}
