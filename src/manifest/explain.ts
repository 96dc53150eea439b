import { LegionError } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import { count } from "../lib/text.ts";
import type { FieldSchema } from "./field-schema.ts";
import { schemas } from "./generated/schemas.ts";
import { kindNames } from "./kinds.ts";
import type { Kind } from "./objects.ts";

/** Kinds of objects, and what is written like an object and is none. */
export const explainedKinds = [...kindNames, "Overlay"] as const;
export type ExplainedKind = Kind | "Overlay";

/** What `legion explain` tells about a kind or a field. */
export interface FieldDoc {
  /** As it is written in a path: `agent.spec.sandbox.memory`. */
  readonly path: string;
  readonly kind: ExplainedKind;
  /** `string`, `list of object`, `string or object`, `map of string`. */
  readonly type: string;
  readonly description: string;
  readonly required: boolean;
  readonly default?: unknown;
  /** The values that are allowed, when they can be listed. */
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  /** Bounds in words: `at least 1`. */
  readonly limits?: readonly string[];
  /** The fields below, of an object, of a list's items or of a map's values. */
  readonly fields: readonly FieldSummary[];
}

export interface FieldSummary {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

/**
 * The doc of a kind or field by a path such as `agent.spec.tools.name`; steps into a list's items or a map's values
 * need nothing written (a map's key may be), and the first one may leave out `spec`. Throws LEG7004 with the names there are.
 */
export function explainField(topic: string): FieldDoc {
  const [first = "", ...steps] = topic.replaceAll("[]", "").split(".");
  const kind = explainedKinds.find((name) => name.toLowerCase() === first.toLowerCase());
  if (kind === undefined)
    throw noTopic(
      "kind",
      first,
      explainedKinds.map((name) => name.toLowerCase()),
      "",
    );
  let schema = schemas[kind];
  let required = true;
  const path = [kind.toLowerCase()];
  for (const step of withSpec(schema, steps)) {
    const holder = fieldsHolder(schema);
    const names = Object.keys(holder.properties ?? {});
    // What is near no field of a map's values is one of the map's keys.
    const isKey = !names.includes(step) && suggest(step, names) === undefined;
    const next = isKey ? mapValue(schema) : holder.properties?.[step];
    if (next === undefined) throw noTopic("field", step, names, `${path.join(".")}.`);
    required = holder.required?.includes(step) ?? false;
    schema = next;
    path.push(step);
  }
  return docOf(path.join("."), kind, schema, required);
}

/** `watcher.trigger` means `watcher.spec.trigger`: nobody asks for a field by what it stands in. */
function withSpec({ properties = {} }: FieldSchema, steps: readonly string[]): readonly string[] {
  const [first] = steps;
  const isShort =
    first !== undefined &&
    !Object.hasOwn(properties, first) &&
    Object.hasOwn(properties.spec?.properties ?? {}, first);
  return isShort ? ["spec", ...steps] : steps;
}

function docOf(
  path: string,
  kind: ExplainedKind,
  schema: FieldSchema,
  required: boolean,
): FieldDoc {
  const holder = fieldsHolder(schema);
  const limits = limitsOf(schema);
  const fields = Object.entries(holder.properties ?? {}).map(([name, field]) => ({
    name,
    type: typeOf(field),
    required: holder.required?.includes(name) ?? false,
    description: field.description ?? "",
  }));
  return {
    path,
    kind,
    type: typeOf(schema),
    description: schema.description ?? "",
    required,
    ...(schema.default !== undefined && { default: schema.default }),
    ...((schema.enum ?? schema.items?.enum) && { enum: schema.enum ?? schema.items?.enum ?? [] }),
    ...(schema.const !== undefined && { enum: [schema.const] }),
    ...(schema.examples && { examples: schema.examples }),
    ...(limits.length > 0 && { limits }),
    fields,
  };
}

/** The schema whose fields stand below: the object itself, a list's items, or a map's values. */
function fieldsHolder(schema: FieldSchema): FieldSchema {
  if (schema.properties !== undefined) return schema;
  const inner = schema.items ?? mapValue(schema);
  return inner?.properties === undefined ? schema : inner;
}

function mapValue({ additionalProperties }: FieldSchema): FieldSchema | undefined {
  return typeof additionalProperties === "object" ? additionalProperties : undefined;
}

function typeOf(schema: FieldSchema): string {
  const types = [
    schema.type ?? (schema.enum ?? [schema.const]).map((value) => typeof value),
  ].flat();
  const names = [...new Set(types)].map((type) => {
    if (type === "array" && schema.items !== undefined) return `list of ${typeOf(schema.items)}`;
    const value = mapValue(schema);
    if (type === "object" && schema.properties === undefined && value !== undefined)
      return `map of ${typeOf(value)}`;
    return type === "array" ? "list" : type;
  });
  return names.join(" or ");
}

const limitWords: Readonly<Record<string, (bound: unknown) => string>> = {
  minimum: (bound) => `at least ${bound}`,
  maximum: (bound) => `at most ${bound}`,
  minLength: (bound) => `at least ${count(Number(bound), "character")}`,
  maxLength: (bound) => `at most ${count(Number(bound), "character")}`,
  minItems: (bound) => `at least ${count(Number(bound), "item")}`,
  maxItems: (bound) => `at most ${count(Number(bound), "item")}`,
  minProperties: (bound) => `at least ${count(Number(bound), "field")}`,
  maxProperties: (bound) => `at most ${count(Number(bound), "field")}`,
  pattern: (bound) => `matches ${bound}`,
};

function limitsOf(schema: FieldSchema): string[] {
  return Object.entries(limitWords).flatMap(([keyword, words]) =>
    schema[keyword] === undefined ? [] : [words(schema[keyword])],
  );
}

function noTopic(
  noun: "kind" | "field",
  name: string,
  known: readonly string[],
  prefix: string,
): LegionError {
  const near = suggest(name, known);
  const hint =
    near !== undefined
      ? `did you mean ${prefix}${near}?`
      : known.length > 0
        ? `use one of: ${known.join(", ")}`
        : "it has no fields of its own";
  const message =
    noun === "kind"
      ? `there is no kind "${name}"`
      : `${prefix.slice(0, -1)} has no field "${name}"`;
  return new LegionError({ code: "LEG7004", message, hint, valid: known });
}
