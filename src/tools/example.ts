import { isObject, type Json, type JsonObject, type JsonSchema } from "../lib/json.ts";
import { inLine, pathInCode } from "./code-name.ts";
import type { ToolBinding } from "./contract.ts";

/** How deep an example is made up; deeper parts are left empty. */
const EXAMPLE_DEPTH_MAX = 4;

/** A call of the function that would be right, as code: `await tools.files.read({"path":"README.md"})`. */
export function exampleCall(binding: ToolBinding, name: string): string {
  const spec = binding.tool.functions[name];
  const args = spec === undefined ? {} : (spec.example ?? exampleArguments(spec.parameters));
  return `await ${pathInCode(binding.as, name)}(${inLine(args)})`;
}

/** Arguments made up from a schema: the required ones, each by its example, default, allowed value or type. */
export function exampleArguments(schema: JsonSchema): JsonObject {
  const value = exampleOf(schema, 0);
  return isObject(value) ? (value as JsonObject) : {};
}

function exampleOf(schema: unknown, depth: number): Json {
  if (!isObject(schema)) return "...";
  const given = [
    ...listOf(schema.examples),
    ...("default" in schema ? [schema.default] : []),
    ...("const" in schema ? [schema.const] : []),
    ...listOf(schema.enum),
  ];
  if (given.length > 0) return given[0] as Json;
  const branch = listOf(schema.anyOf)[0] ?? listOf(schema.oneOf)[0];
  if (schema.type === undefined && branch !== undefined) return exampleOf(branch, depth + 1);
  return ofType(schema, depth);
}

function ofType(schema: Record<string, unknown>, depth: number): Json {
  const type = listOf(schema.type)[0] ?? (isObject(schema.properties) ? "object" : "string");
  switch (type) {
    case "object":
      return depth >= EXAMPLE_DEPTH_MAX ? {} : ofProperties(schema, depth);
    case "array":
      return depth >= EXAMPLE_DEPTH_MAX || schema.items === undefined
        ? []
        : [exampleOf(schema.items, depth + 1)];
    case "integer":
    case "number":
      return typeof schema.minimum === "number" ? schema.minimum : 1;
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return "...";
  }
}

function ofProperties(schema: Record<string, unknown>, depth: number): JsonObject {
  const properties = isObject(schema.properties) ? schema.properties : {};
  return Object.fromEntries(
    listOf(schema.required).map((name) => [
      String(name),
      exampleOf(properties[String(name)], depth + 1),
    ]),
  );
}

/** A keyword that holds one or many, as many. */
function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
