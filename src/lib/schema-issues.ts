import type { ErrorObject } from "ajv";
import { isObject, type JsonPath } from "./json.ts";
import { nearQuantity } from "./near-quantity.ts";
import { asList, formHint, measured, nearHint } from "./schema-hints.ts";
import { suggest } from "./suggest.ts";
import { count } from "./text.ts";

/** One way in which a value does not meet a schema, in words for people and models. */
export interface SchemaIssue {
  /** Path to the value at fault; for an unknown field, to that field; for a missing one, to the object that lacks it. */
  readonly path: JsonPath;
  readonly kind: "unknown" | "missing" | "type" | "value" | "forbidden";
  /** One sentence without the path: `must be an integer, but is "3" (a string)`. */
  readonly message: string;
  /** The message without the value, when it quotes that: `must be an integer`. */
  readonly claim?: string;
  /** The next step: did you mean, the allowed values. May be empty. */
  readonly hint: string;
  /** The allowed values or field names. */
  readonly valid?: readonly string[];
  /** The field whose name is at fault: unknown, missing, not allowed here, or not of the right form. */
  readonly field?: string;
}

/** How many issues one value may have; the rest is dropped. */
const ISSUES_MAX = 20;

/** The issues behind Ajv's errors (compiled with `verbose` or given the root value), without its wording and without the echoes of combined schemas. */
export function issuesOf(errors: readonly ErrorObject[], root: unknown): SchemaIssue[] {
  const issues: SchemaIssue[] = [];
  const seen = new Set<string>();
  // Which fields a combined schema wants is told once, not once a branch.
  const combined = new Set(
    errors.flatMap(({ schema, schemaPath }) =>
      requiredFields(schema).length > 0 ? [schemaPath] : [],
    ),
  );
  for (const error of errors) {
    if (error.keyword === "if" || error.keyword === "propertyNames") continue;
    if (error.keyword === "required" && isBranchOf(error, combined)) continue;
    const issue = issueOf(error, root);
    const key = JSON.stringify([issue.path, issue.field, issue.message]);
    if (seen.has(key)) continue;
    seen.add(key);
    issues.push(issue);
    if (issues.length >= ISSUES_MAX) break;
  }
  return issues;
}

/** A value may have as many errors as it has items, but a schema has few places. */
function isBranchOf({ schemaPath }: ErrorObject, places: ReadonlySet<string>): boolean {
  return places.values().some((place) => schemaPath.startsWith(`${place}/`));
}

function issueOf(error: ErrorObject, root: unknown): SchemaIssue {
  const path = pathInto(root, error.instancePath);
  const value = valueAt(root, path);
  const wording = wordings[error.keyword];
  if (wording !== undefined) return wording(error, path, value);
  return { path, kind: "value", message: error.message ?? "is not valid", hint: "" };
}

type Wording = (error: ErrorObject, path: JsonPath, value: unknown) => SchemaIssue;

/** How each keyword's failure is told; Ajv's own words never reach a reader. */
const wordings: Readonly<Record<string, Wording>> = {
  additionalProperties: (error, path) => unknownField(error, path, error.params.additionalProperty),
  unevaluatedProperties: (error, path) =>
    unknownField(error, path, error.params.unevaluatedProperty),
  required: ({ params }, path) => {
    const field = String(params.missingProperty);
    return {
      path,
      kind: "missing",
      field,
      message: `lacks the required field "${field}"`,
      hint: `add "${field}"`,
    };
  },
  "false schema": (_, path) => {
    const field = String(path.at(-1) ?? "");
    return {
      path,
      kind: "forbidden",
      field,
      message: `field "${field}" is not allowed here`,
      hint: `remove "${field}"`,
    };
  },
  type: ({ params, parentSchema }, path, value) => {
    const types = [params.type].flat().map(String);
    const quantity = typeof value === "number" ? measured(parentSchema) : undefined;
    const nouns = quantity === undefined ? types.map(article) : [article(quantity)];
    const near = quantity === undefined ? asList(types, value) : nearQuantity(value, quantity);
    return {
      path,
      kind: "type",
      ...quoting(`must be ${nouns.join(" or ")}`, ", but is", value),
      hint: `write ${near ?? nouns.join(" or ")}`,
    };
  },
  enum: ({ params }, path, value) => oneOfValues(path, value, params.allowedValues),
  const: ({ params }, path, value) => oneOfValues(path, value, [params.allowedValue]),
  pattern: ({ params, parentSchema, propertyName }, path, value) => ({
    path: named(path, propertyName),
    kind: "value",
    ...(propertyName === undefined
      ? quoting("does not have the right form", ":", value)
      : { field: propertyName, message: "has a name that does not have the right form" }),
    hint:
      nearHint(parentSchema, value) + (formHint(parentSchema) || `it must match ${params.pattern}`),
  }),
  oneOf: ({ schema, params }, path) => combinedIssue(schema, path, params.passingSchemas),
  anyOf: ({ schema }, path) => combinedIssue(schema, path, null),
  minimum: ({ params }, path, value) => limit(path, value, "at least", params.limit),
  exclusiveMinimum: ({ params }, path, value) => limit(path, value, "more than", params.limit),
  maximum: ({ params }, path, value) => limit(path, value, "at most", params.limit),
  exclusiveMaximum: ({ params }, path, value) => limit(path, value, "less than", params.limit),
  minLength: ({ params, propertyName }, path) =>
    size(named(path, propertyName), "at least", params.limit, "character"),
  maxLength: ({ params, propertyName }, path) =>
    size(named(path, propertyName), "at most", params.limit, "character"),
  minItems: ({ params }, path) => size(path, "at least", params.limit, "item"),
  maxItems: ({ params }, path) => size(path, "at most", params.limit, "item"),
  minProperties: ({ params }, path) => size(path, "at least", params.limit, "field"),
  maxProperties: ({ params }, path) => size(path, "at most", params.limit, "field"),
  uniqueItems: ({ params }, path) => ({
    path: [...path, Math.max(params.i, params.j)],
    kind: "value",
    message: `the same value stands at ${Math.min(params.i, params.j)} and ${Math.max(params.i, params.j)}`,
    hint: "remove one of them",
  }),
  multipleOf: ({ params }, path, value) => limit(path, value, "a multiple of", params.multipleOf),
};

/** What is said of a value, with the value. */
function quoting(
  claim: string,
  joint: string,
  value: unknown,
): Pick<SchemaIssue, "message" | "claim"> {
  return { message: `${claim}${joint} ${describe(value)}`, claim };
}

/** The path of a name that is at fault, rather than of the object that it stands in. */
function named(path: JsonPath, propertyName: string | undefined): JsonPath {
  return propertyName === undefined ? path : [...path, propertyName];
}

/** Nobody is to write it, so no message offers it. */
function isReadOnly(field: unknown): boolean {
  return isObject(field) && field.readOnly === true;
}

function unknownField(error: ErrorObject, path: JsonPath, name: unknown): SchemaIssue {
  const field = String(name);
  const fields = isObject(error.parentSchema?.properties) ? error.parentSchema.properties : {};
  const valid = Object.keys(fields).filter((name) => !isReadOnly(fields[name]));
  const near = suggest(field, valid);
  const hint =
    near === undefined
      ? valid.length > 0
        ? `allowed: ${valid.join(", ")}`
        : `remove "${field}"`
      : `did you mean "${near}"?`;
  return {
    path: [...path, field],
    kind: "unknown",
    field,
    message: `unknown field "${field}"`,
    hint,
    valid,
  };
}

function oneOfValues(path: JsonPath, value: unknown, allowed: unknown[]): SchemaIssue {
  const valid = allowed.map((option) =>
    typeof option === "string" ? option : JSON.stringify(option),
  );
  const near = typeof value === "string" ? suggest(value, valid) : undefined;
  const list = valid.length === 1 ? `write ${valid[0]}` : `allowed: ${valid.join(", ")}`;
  return {
    path,
    kind: "value",
    ...quoting(
      `must be ${valid.length === 1 ? `"${valid[0]}"` : "one of the allowed values"}`,
      ", but is",
      value,
    ),
    hint: near === undefined || valid.length === 1 ? list : `did you mean "${near}"? ${list}`,
    valid,
  };
}

/** None of several forms fits, or more than one of a oneOf (`passing` are their indexes). */
function combinedIssue(schema: unknown, path: JsonPath, passing: unknown): SchemaIssue {
  const valid = requiredFields(schema);
  const list = valid.join(" or ");
  const [first] = valid;
  if (first === undefined) {
    const message = Array.isArray(passing)
      ? "has more than one of the allowed forms"
      : "has none of the allowed forms";
    return { path, kind: "value", message, hint: "see the schema of this field" };
  }
  if (!Array.isArray(passing)) {
    const message = `needs exactly one of: ${list}`;
    return { path, kind: "missing", field: first, message, hint: `write one of: ${list}`, valid };
  }
  const second = Array.isArray(schema) ? schema[Number(passing[1])] : undefined;
  const field = requiredFields([second])[0] ?? first;
  const message = `takes only one of: ${list}`;
  const hint = `remove "${field}", or the other one`;
  return { path: [...path, field], kind: "value", field, message, hint, valid };
}

/** The fields that the branches of a combined schema require: `[{required: [a]}, {required: [b]}]`. */
function requiredFields(schema: unknown): string[] {
  const branches = Array.isArray(schema) ? schema : [];
  return branches.flatMap((branch) =>
    isObject(branch) && Array.isArray(branch.required) ? branch.required.map(String) : [],
  );
}

function limit(path: JsonPath, value: unknown, words: string, bound: unknown): SchemaIssue {
  return {
    path,
    kind: "value",
    ...quoting(`must be ${words} ${bound}`, ", but is", value),
    hint: `write a number that is ${words} ${bound}`,
  };
}

function size(path: JsonPath, words: string, bound: unknown, noun: string): SchemaIssue {
  return {
    path,
    kind: "value",
    message: `must have ${words} ${count(Number(bound), noun)}`,
    hint: `give it ${words} ${count(Number(bound), noun)}`,
  };
}

function article(type: string): string {
  if (type === "null") return "null";
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

/** A value in a few words: `"3" (a string)`, `a list of 2`, `null`. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object") return "an object";
  if (typeof value === "string")
    return `"${value.length > 40 ? `${value.slice(0, 40)}…` : value}" (a string)`;
  return `${value} (${article(typeof value)})`;
}

/** Ajv's instance pointer as a path with numbers for list indexes. */
function pathInto(root: unknown, pointer: string): (string | number)[] {
  const path: (string | number)[] = [];
  let here = root;
  for (const raw of pointer.split("/").slice(1)) {
    const part = raw.replaceAll("~1", "/").replaceAll("~0", "~");
    path.push(Array.isArray(here) ? Number(part) : part);
    here = valueAt(here, [part]);
  }
  return path;
}

/** The value at a path; undefined when there is none. */
export function valueAt(root: unknown, path: JsonPath): unknown {
  let here = root;
  for (const part of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, part)) return undefined;
    here = (here as Record<string | number, unknown>)[part];
  }
  return here;
}
