// Goal: the reply schema says exactly what the protocol allows, whatever the output schema looks like.
// Method: tables of output schemas with the closed form, and Ajv deciding about replies.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileSchema } from "../lib/schema.ts";
import { closeSchema, replySchema } from "./reply-schema.ts";

const object = (properties: Record<string, unknown>, rest: Record<string, unknown> = {}) => ({
  type: "object",
  properties,
  ...rest,
});

const closing = [
  { name: "a plain type stays as it is", schema: { type: "string" }, want: { type: "string" } },
  {
    name: "an object with properties is closed",
    schema: object({ a: { type: "string" } }),
    want: object({ a: { type: "string" } }, { additionalProperties: false }),
  },
  {
    name: "an object without properties stays a free map",
    schema: { type: "object" },
    want: { type: "object" },
  },
  {
    name: "nested objects, items and definitions are closed too",
    schema: object({ rows: { items: object({ b: {} }) } }, { $defs: { c: object({ d: {} }) } }),
    want: object(
      { rows: { items: object({ b: {} }, { additionalProperties: false }) } },
      {
        $defs: { c: object({ d: {} }, { additionalProperties: false }) },
        additionalProperties: false,
      },
    ),
  },
  {
    name: "what the author says about other fields is kept",
    schema: object({ a: {} }, { additionalProperties: true }),
    want: object({ a: {} }, { additionalProperties: true }),
  },
  {
    name: "parts of an allOf stay open, or they would refuse each other's fields",
    schema: { allOf: [object({ a: {} }), object({ b: {} })] },
    want: { allOf: [object({ a: {} }), object({ b: {} })] },
  },
  {
    name: "each alternative of an anyOf is closed",
    schema: { anyOf: [object({ a: {} }), { type: "null" }] },
    want: { anyOf: [object({ a: {} }, { additionalProperties: false }), { type: "null" }] },
  },
  {
    name: "a property named properties is no keyword",
    schema: object({ properties: { type: "string" } }),
    want: object({ properties: { type: "string" } }, { additionalProperties: false }),
  },
];

for (const { name, schema, want } of closing) {
  test(name, () => assert.deepEqual(closeSchema(schema), want));
}

const actionTypes = ["eval_and_continue", "return"] as const;

const replies = [
  {
    name: "a reply in the right form is valid",
    outputSchema: { type: "string" },
    reply: { action: "return", code: "", result: "yes" },
    valid: true,
  },
  {
    name: "a thought is allowed",
    outputSchema: { type: "string" },
    reply: { thought: "hm", action: "return", code: "", result: "yes" },
    valid: true,
  },
  {
    name: "another field is not",
    outputSchema: { type: "string" },
    reply: { action: "return", code: "", result: "yes", why: "" },
    valid: false,
  },
  {
    name: "an action that the agent does not have is not",
    outputSchema: { type: "string" },
    reply: { action: "done", code: "", result: "" },
    valid: false,
  },
  {
    name: "references to definitions of the output schema work",
    outputSchema: { $defs: { row: object({ a: { type: "number" } }) }, $ref: "#/$defs/row" },
    reply: { action: "return", code: "", result: { a: "1" } },
    valid: false,
  },
  {
    name: "a schema that refers to itself works at any depth",
    outputSchema: object({ next: { $ref: "#" } }, { required: [] }),
    reply: { action: "return", code: "", result: { next: { next: { other: 1 } } } },
    valid: false,
  },
  {
    name: "a reference to one of its own properties works",
    outputSchema: object({ a: { type: "number" }, b: { $ref: "#/properties/a" } }),
    reply: { action: "return", code: "", result: { a: 1, b: 2 } },
    valid: true,
  },
  {
    name: "text that looks like a reference in an enum is data",
    outputSchema: { enum: ["#", { $ref: "#" }] },
    reply: { action: "return", code: "", result: { $ref: "#" } },
    valid: true,
  },
];

for (const { name, outputSchema, reply, valid } of replies) {
  test(name, async () => {
    const schema = replySchema({ actionTypes: [...actionTypes], outputSchema });
    const validate = await compileSchema(schema);
    assert.equal(validate(reply).length === 0, valid);
  });
}
