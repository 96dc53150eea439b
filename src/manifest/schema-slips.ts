import { isObject, type JsonPath } from "../lib/json.ts";
import { suggest } from "../lib/suggest.ts";
import type { SchemaFault } from "./schema-faults.ts";

type Schema = Readonly<Record<string, unknown>>;

/** The keywords of draft 2020-12, and those of earlier drafts that people still write. */
export const schemaKeywords: readonly string[] = [
  ...["$schema", "$id", "$ref", "$anchor", "$dynamicRef", "$dynamicAnchor", "$vocabulary"],
  ...["$comment", "$defs", "definitions", "type", "enum", "const", "allOf", "anyOf", "oneOf"],
  ...["not", "if", "then", "else", "properties", "patternProperties", "additionalProperties"],
  ...["unevaluatedProperties", "propertyNames", "dependentSchemas", "dependentRequired"],
  ...["dependencies", "required", "minProperties", "maxProperties", "items", "prefixItems"],
  ...["additionalItems", "unevaluatedItems", "contains", "minContains", "maxContains"],
  ...["minItems", "maxItems", "uniqueItems", "multipleOf", "minimum", "maximum"],
  ...["exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern", "format"],
  ...["contentEncoding", "contentMediaType", "contentSchema", "title", "description"],
  ...["default", "deprecated", "readOnly", "writeOnly", "examples"],
];

/** Words of other tools and of people that are near to a keyword and mean something else. */
const others: readonly string[] = ["example", "id", "note", "formats", "contain", "content"];

/** Keywords that are not known and look like one that is. */
export function unknownKeywords(schema: Schema, path: JsonPath): SchemaFault[] {
  return Object.keys(schema).flatMap((keyword) => {
    if (schemaKeywords.includes(keyword) || others.includes(keyword)) return [];
    const near = suggest(keyword, schemaKeywords);
    if (near === undefined || Math.abs(near.length - keyword.length) > 1) return [];
    const summary = `unknown keyword "${keyword}" in a JSON Schema has no effect`;
    const detail = `did you mean "${near}"?`;
    return [{ code: "LEG1073", path: [...path, keyword], part: "key", summary, detail }];
  });
}

/** Properties that are required, not listed, and forbidden as all others are. */
export function lacking(schema: Schema, path: JsonPath): SchemaFault[] {
  const { required, properties = {}, patternProperties, additionalProperties } = schema;
  if (additionalProperties !== false || patternProperties !== undefined) return [];
  if (!Array.isArray(required) || !isObject(properties)) return [];
  const known = Object.keys(properties);
  return required.flatMap((name, index) => {
    if (typeof name !== "string" || Object.hasOwn(properties, name)) return [];
    const near = suggest(name, known);
    const summary = `"required" names "${name}", which is not in "properties" while no others are allowed`;
    const detail = near === undefined ? `add "${name}" to properties` : `did you mean "${near}"?`;
    return [
      { code: "LEG1091", path: [...path, "required", index], part: "value", summary, detail },
    ];
  });
}
