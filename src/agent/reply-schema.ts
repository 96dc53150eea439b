import { isObject, type JsonSchema } from "../lib/json.ts";
import type { AgentSpec } from "../manifest/generated/agent.ts";

/** What the model may answer with: the schema of each reply of an agent in code mode. */
export function replySchema(spec: Pick<AgentSpec, "actionTypes" | "outputSchema">): JsonSchema {
  const { $schema: _, $id: __, $defs, definitions, ...result } = embedded(spec.outputSchema);
  return {
    type: "object",
    additionalProperties: false,
    required: ["action", "code", "result"],
    properties: {
      // First, so that the model thinks before it chooses.
      thought: { type: "string" },
      action: { type: "string", enum: [...spec.actionTypes] },
      code: { type: "string" },
      result,
    },
    // References such as #/$defs/row keep their meaning: providers look for definitions at the root.
    ...($defs !== undefined && { $defs }),
    ...(definitions !== undefined && { definitions }),
  };
}

/** The output schema as it stands at `properties.result`: closed, and its references to itself moved along. */
function embedded(outputSchema: JsonSchema): Record<string, unknown> {
  const closed = closeSchema(outputSchema);
  return isObject(closed) ? rebased(closed) : {};
}

/** Keywords that hold a schema, a list of schemas or a map of schemas. What is left out must stay open (allOf, if, not). */
const closable = {
  one: ["items", "additionalProperties", "contains"],
  list: ["prefixItems", "anyOf", "oneOf"],
  map: ["properties", "patternProperties", "$defs", "definitions"],
} as const;

/** With any of these beside `properties`, other fields may be declared elsewhere. */
const composing = [
  "additionalProperties",
  "unevaluatedProperties",
  "allOf",
  "anyOf",
  "oneOf",
  "if",
  "$ref",
  "$dynamicRef",
];

/**
 * The schema with `additionalProperties: false` on every object that lists its properties and does not say otherwise.
 * A model then cannot invent fields; parts of a combination stay open, since closing them would refuse each other's fields.
 */
export function closeSchema(schema: unknown): unknown {
  if (!isObject(schema)) return schema;
  const closed: Record<string, unknown> = { ...schema };
  for (const key of closable.one) {
    if (key in closed) closed[key] = closeSchema(closed[key]);
  }
  for (const key of closable.list) {
    const list = closed[key];
    if (Array.isArray(list)) closed[key] = list.map(closeSchema);
  }
  for (const key of closable.map) {
    const map = closed[key];
    if (isObject(map)) closed[key] = mapValues(map, closeSchema);
  }
  const isOpen = isObject(schema.properties) && !composing.some((key) => key in schema);
  return isOpen ? { ...closed, additionalProperties: false } : closed;
}

/** Values of these are data, not schemas: a "$ref" in them means nothing. */
const data = new Set(["enum", "const", "default", "examples"]);

/** The schema with its references to itself pointing below `properties.result`. */
function rebased(schema: Record<string, unknown>): Record<string, unknown> {
  return mapValues(schema, (value, key) => {
    if (key === "$ref" && typeof value === "string") return rebasedReference(value);
    if (data.has(key)) return value;
    if (Array.isArray(value)) return value.map((item) => (isObject(item) ? rebased(item) : item));
    return isObject(value) ? rebased(value) : value;
  });
}

function rebasedReference(reference: string): string {
  const isDefinition = /^#\/(\$defs|definitions)\//.test(reference);
  const isOwn = reference === "#" || reference.startsWith("#/");
  return isOwn && !isDefinition ? `#/properties/result${reference.slice(1)}` : reference;
}

function mapValues(
  record: Record<string, unknown>,
  change: (value: unknown, key: string) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key, change(value, key)]),
  );
}
