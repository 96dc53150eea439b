import { isObject, type Json, type JsonPath, pathOf, pointerOf } from "../lib/json.ts";
import { linearPattern } from "../lib/patterns.ts";
import { issuesOf } from "../lib/schema-issues.ts";
import { JsonSchema as validate } from "./generated/validators.ts";
import { lacking, schemaKeywords, unknownKeywords } from "./schema-slips.ts";

/** What is wrong with a JSON Schema, and where in it. */
export interface SchemaFault {
  /** Not valid unless told otherwise. */
  readonly code?: "LEG1073" | "LEG1091";
  readonly path: JsonPath;
  readonly part: "key" | "value";
  readonly summary: string;
  readonly detail: string;
}

/**
 * What is wrong with a JSON Schema of draft 2020-12: keywords with wrong values, patterns that are no regular
 * expressions, references that lead nowhere. It compiles nothing, so that thousands of schemas are checked fast.
 */
export function schemaFaults(schema: Json): readonly SchemaFault[] {
  const faults = validate(schema) ? [] : metaFaults(schema);
  return [...faults, ...keywordFaults(schema)];
}

/** The first issue of each place: the rest are the other forms that the keyword could have had. */
function metaFaults(schema: Json): SchemaFault[] {
  const first = new Map<string, SchemaFault>();
  for (const { path, message, hint } of issuesOf(validate.errors ?? [], schema)) {
    const pointer = pointerOf(path);
    if (first.has(pointer)) continue;
    const keyword = path.length === 0 ? "the schema" : `"${path.at(-1)}"`;
    first.set(pointer, { path, part: "value", summary: `${keyword} ${message}`, detail: hint });
  }
  return [...first.values()];
}

function keywordFaults(root: Json): SchemaFault[] {
  const faults: SchemaFault[] = [];
  const names = anchorsOf(root);
  walk(root, [], (schema, path, isSchema) => {
    if (isSchema) faults.push(...unknownKeywords(schema, path), ...lacking(schema, path));
    const { pattern, patternProperties, $ref } = schema;
    if (typeof pattern === "string") checkPattern(pattern, [...path, "pattern"], "value", faults);
    if (isObject(patternProperties)) {
      for (const key of Object.keys(patternProperties))
        checkPattern(key, [...path, "patternProperties", key], "key", faults);
    }
    if (typeof $ref === "string" && !resolves(root, $ref, names)) {
      const detail = 'refer to a place in the same schema: "#/$defs/name"';
      faults.push({
        path: [...path, "$ref"],
        part: "value",
        summary: `"$ref" leads nowhere: "${$ref}"`,
        detail,
      });
    }
  });
  return faults;
}

function checkPattern(
  pattern: string,
  path: JsonPath,
  part: "key" | "value",
  faults: SchemaFault[],
): void {
  try {
    new RegExp(pattern, "u");
  } catch {
    const detail = "write it as in JavaScript, with the flag u";
    faults.push({ path, part, summary: `"${pattern}" is not a regular expression`, detail });
    return;
  }
  try {
    linearPattern(pattern);
  } catch {
    const summary = `"${pattern}" cannot be matched in linear time`;
    const detail = "write it without look-ahead, look-behind and back references";
    faults.push({ path, part, summary, detail });
  }
}

/** What a $ref may name besides a pointer. */
function anchorsOf(root: Json): ReadonlySet<string> {
  const names = new Set<string>(["#"]);
  walk(root, [], ({ $id, $anchor, $dynamicAnchor }) => {
    if (typeof $id === "string") names.add($id);
    for (const anchor of [$anchor, $dynamicAnchor])
      if (typeof anchor === "string") names.add(`#${anchor}`);
  });
  return names;
}

function resolves(root: Json, reference: string, names: ReadonlySet<string>): boolean {
  if (names.has(reference)) return true;
  const [base = "", pointer = ""] = reference.split("#");
  if (base !== "" && !names.has(base)) return false;
  // A pointer into an embedded schema is left to the one who compiles it.
  if (base !== "") return true;
  if (!pointer.startsWith("/")) return false;
  let here: unknown = root;
  for (const step of pathOf(decode(pointer))) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, step)) return false;
    here = (here as Record<string, unknown>)[step];
  }
  return true;
}

function decode(pointer: string): string {
  try {
    return decodeURIComponent(pointer);
  } catch {
    return pointer;
  }
}

/** Keywords whose value is data, in which nothing is a schema. */
const dataKeywords = new Set([
  "const",
  "enum",
  "default",
  "examples",
  "required",
  "dependentRequired",
]);
/** Keywords whose value maps names to schemas. */
const mapKeywords = new Set([
  "properties",
  "patternProperties",
  "$defs",
  "definitions",
  "dependentSchemas",
]);

/** `isSchema` unless it stands below a keyword that is not known. */
type Visit = (schema: Readonly<Record<string, unknown>>, path: JsonPath, isSchema: boolean) => void;

function walk(value: unknown, path: JsonPath, visit: Visit, isSchema = true): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) walk(item, [...path, index], visit, isSchema);
    return;
  }
  if (!isObject(value)) return;
  visit(value, path, isSchema);
  for (const [keyword, child] of Object.entries(value)) {
    if (dataKeywords.has(keyword)) continue;
    const isKnown = isSchema && schemaKeywords.includes(keyword);
    if (!mapKeywords.has(keyword) || !isObject(child))
      walk(child, [...path, keyword], visit, isKnown);
    else
      for (const [name, schema] of Object.entries(child))
        walk(schema, [...path, keyword, name], visit, isKnown);
  }
}
