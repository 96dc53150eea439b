import { isObject, pathOf } from "../../lib/json.ts";
import { inLine, keyName } from "../code-name.ts";

/** How deep a type is written out; what lies deeper is `unknown`, as are schemas that refer to themselves. */
const TYPE_DEPTH_MAX = 8;

/** A type as text, and how tightly it binds: a union inside a list needs parentheses, a name does not. */
interface Written {
  readonly text: string;
  readonly binds: "one" | "and" | "or";
}

const one = (text: string): Written => ({ text, binds: "one" });
const unknown = one("unknown");

/** A JSON Schema as a TypeScript type on one line. What types cannot say (ranges, patterns) is left to descriptions. */
export function schemaType(schema: unknown): string {
  return write(schema, schema, 0).text;
}

function write(schema: unknown, root: unknown, depth: number): Written {
  if (schema === false) return one("never");
  if (!isObject(schema) || depth > TYPE_DEPTH_MAX) return unknown;
  if (typeof schema.$ref === "string") return write(target(root, schema.$ref), root, depth + 1);
  if ("const" in schema) return literal(schema.const);
  if (Array.isArray(schema.enum)) return union(schema.enum.map(literal));
  const parts: Written[] = [];
  for (const choices of [schema.anyOf, schema.oneOf]) {
    if (Array.isArray(choices))
      parts.push(union(choices.map((choice) => write(choice, root, depth + 1))));
  }
  if (Array.isArray(schema.allOf))
    parts.push(...schema.allOf.map((part) => write(part, root, depth + 1)));
  const own = byType(schema, root, depth);
  if (own !== undefined) parts.push(own);
  return intersection(parts);
}

function byType(
  schema: Record<string, unknown>,
  root: unknown,
  depth: number,
): Written | undefined {
  const named =
    schema.type ??
    (isObject(schema.properties) ? "object" : schema.items === undefined ? undefined : "array");
  if (named === undefined) return undefined;
  return union([named].flat().map((type) => typed(String(type), schema, root, depth)));
}

function typed(
  type: string,
  schema: Record<string, unknown>,
  root: unknown,
  depth: number,
): Written {
  switch (type) {
    case "object":
      return objectType(schema, root, depth);
    case "array":
      return arrayType(schema, root, depth);
    case "integer":
      return one("number");
    case "string":
    case "number":
    case "boolean":
    case "null":
      return one(type);
    default:
      return unknown;
  }
}

function objectType(
  { properties, required, additionalProperties }: Record<string, unknown>,
  root: unknown,
  depth: number,
): Written {
  const names = new Set(Array.isArray(required) ? required : []);
  const fields = Object.entries(isObject(properties) ? properties : {}).map(
    ([name, field]) =>
      `${keyName(name)}${names.has(name) ? "" : "?"}: ${write(field, root, depth + 1).text}`,
  );
  if (isObject(additionalProperties)) {
    const rest = write(additionalProperties, root, depth + 1).text;
    if (fields.length === 0) return one(`Record<string, ${rest}>`);
    // An index signature has to admit the types of all fields.
    fields.push("[key: string]: unknown");
  }
  if (fields.length > 0) return one(`{ ${fields.join("; ")} }`);
  return one(additionalProperties === false ? "{}" : "Record<string, unknown>");
}

function arrayType(
  { items, prefixItems }: Record<string, unknown>,
  root: unknown,
  depth: number,
): Written {
  if (Array.isArray(prefixItems)) {
    const rest =
      items === undefined
        ? ["...unknown[]"]
        : items === false
          ? []
          : [`...${inList(write(items, root, depth + 1))}[]`];
    return one(
      `[${[...prefixItems.map((item) => write(item, root, depth + 1).text), ...rest].join(", ")}]`,
    );
  }
  return one(`${inList(write(items, root, depth + 1))}[]`);
}

function inList({ text, binds }: Written): string {
  return binds === "one" ? text : `(${text})`;
}

function literal(value: unknown): Written {
  const scalar = value === null || ["string", "number", "boolean"].includes(typeof value);
  return scalar ? one(inLine(value)) : unknown;
}

function union(choices: readonly Written[]): Written {
  const texts = [...new Set(choices.map(({ text }) => text))];
  const [only] = texts;
  if (texts.length === 0) return one("never");
  if (texts.length === 1) return choices[0] ?? one(only ?? "never");
  if (texts.includes("unknown")) return unknown;
  return { text: texts.join("|"), binds: "or" };
}

function intersection(parts: readonly Written[]): Written {
  const said = parts.filter(({ text }) => text !== "unknown");
  const [first] = said;
  if (first === undefined) return unknown;
  if (said.length === 1) return first;
  return {
    text: said.map(({ text, binds }) => (binds === "or" ? `(${text})` : text)).join(" & "),
    binds: "and",
  };
}

/** What a `#/...` reference points to; other references are not followed. */
function target(root: unknown, reference: string): unknown {
  if (!reference.startsWith("#")) return true;
  let here = root;
  for (const part of pathOf(decodeURIComponent(reference.slice(1)))) {
    here = isObject(here) && Object.hasOwn(here, part) ? here[part] : true;
  }
  return here;
}
