import { isObject, type JsonSchema } from "../../lib/json.ts";

/** Keywords that OpenAI's strict mode takes as they are. */
const kept = new Set([
  "type",
  "title",
  "description",
  "enum",
  "const",
  "pattern",
  "format",
  "multipleOf",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "minItems",
  "maxItems",
]);
/** Keywords that it does not take and that only narrow values: they are told in words instead. */
const told = new Set([
  "minLength",
  "maxLength",
  "uniqueItems",
  "minProperties",
  "maxProperties",
  "contentEncoding",
  "contentMediaType",
]);
/** Keywords that say nothing about values. */
const dropped = new Set([
  "$schema",
  "$id",
  "$comment",
  "$anchor",
  "default",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
]);
/** Keywords that hold schemas and are handled one by one. */
const structural = new Set([
  "properties",
  "required",
  "additionalProperties",
  "items",
  "anyOf",
  "oneOf",
  "$ref",
  "$defs",
  "definitions",
]);

const DEPTH_MAX = 10;

/**
 * The schema in the form that OpenAI's strict mode wants: every property required, no others allowed, only keywords that it
 * knows. Whatever meets it meets the given schema too, as far as strict mode can say so. Undefined when the schema has no such
 * form: free-form objects, conditions, optional properties that have no empty value.
 */
export function strictSchema(schema: JsonSchema): JsonSchema | undefined {
  return schema.type === "object" ? strict(schema, 0) : undefined;
}

type Found = JsonSchema | undefined;

function strict(schema: unknown, depth: number): Found {
  if (!isObject(schema) || depth > DEPTH_MAX) return undefined;
  if (
    Object.keys(schema).some(
      (key) => !kept.has(key) && !told.has(key) && !dropped.has(key) && !structural.has(key),
    )
  )
    return undefined;
  const definitions = strictDefinitions(schema, depth);
  if (definitions === undefined) return undefined;
  if (typeof schema.$ref === "string")
    return schema.$ref.startsWith("#") ? { $ref: schema.$ref, ...definitions } : undefined;
  const shape = strictShape(schema, depth);
  return (
    shape && {
      ...Object.fromEntries(Object.entries(schema).filter(([key]) => kept.has(key))),
      ...inWords(schema),
      ...shape,
      ...definitions,
    }
  );
}

/** What is left of a schema besides its plain keywords: alternatives, members, items. */
function strictShape(schema: Record<string, unknown>, depth: number): Found {
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (schema.anyOf !== undefined && schema.oneOf !== undefined) return undefined;
  if (Array.isArray(alternatives))
    return schema.properties === undefined
      ? wrap("anyOf", strictList(alternatives, depth))
      : undefined;
  if (hasType(schema, "object")) return strictMembers(schema, depth);
  if (hasType(schema, "array")) return wrap("items", strict(schema.items, depth + 1));
  return schema.type !== undefined || schema.enum !== undefined || schema.const !== undefined
    ? {}
    : undefined;
}

function strictMembers(schema: Record<string, unknown>, depth: number): Found {
  const { properties, required = [], additionalProperties = false } = schema;
  if (!isObject(properties) || additionalProperties !== false || !Array.isArray(required))
    return undefined;
  const members = strictMap(properties, depth);
  const optional = Object.keys(properties).filter((name) => !required.includes(name));
  if (members === undefined || !optional.every((name) => hasEmptyValue(properties[name])))
    return undefined;
  if (!required.every((name) => typeof name === "string" && Object.hasOwn(properties, name)))
    return undefined;
  return { properties: members, required: Object.keys(properties), additionalProperties: false };
}

/** An optional property may be asked for when the model can leave it empty: null, "" or []. */
function hasEmptyValue(schema: unknown): boolean {
  if (!isObject(schema) || schema.enum !== undefined || schema.const !== undefined) return false;
  if (hasType(schema, "null")) return true;
  if (schema.type === "string")
    return (
      [schema.pattern, schema.format].every((keyword) => keyword === undefined) &&
      !Number(schema.minLength)
    );
  return schema.type === "array" && !Number(schema.minItems);
}

function hasType({ type }: Record<string, unknown>, name: string): boolean {
  return Array.isArray(type) ? type.includes(name) : type === name;
}

function strictDefinitions({ $defs, definitions }: Record<string, unknown>, depth: number): Found {
  const found: Record<string, unknown> = {};
  for (const [key, map] of Object.entries({ $defs, definitions })) {
    if (map === undefined) continue;
    const members = isObject(map) ? strictMap(map, depth) : undefined;
    if (members === undefined) return undefined;
    found[key] = members;
  }
  return found;
}

function strictMap(map: Record<string, unknown>, depth: number): Found {
  const entries = Object.entries(map).map(
    ([name, member]) => [name, strict(member, depth + 1)] as const,
  );
  return entries.every(([, member]) => member !== undefined)
    ? Object.fromEntries(entries)
    : undefined;
}

function strictList(list: readonly unknown[], depth: number): readonly JsonSchema[] | undefined {
  const members = list
    .map((member) => strict(member, depth + 1))
    .filter((member) => member !== undefined);
  return members.length === list.length ? members : undefined;
}

function wrap(key: string, value: unknown): Found {
  return value === undefined ? undefined : { [key]: value };
}

function inWords(schema: Record<string, unknown>): JsonSchema {
  const extra = Object.entries(schema).filter(([key]) => told.has(key));
  if (extra.length === 0) return {};
  const words = `Must also meet ${JSON.stringify(Object.fromEntries(extra))}.`;
  return {
    description: typeof schema.description === "string" ? `${schema.description} ${words}` : words,
  };
}
