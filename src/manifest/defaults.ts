import { isObject, type Json, type JsonObject } from "../lib/json.ts";
import type { FieldSchema } from "./field-schema.ts";
import { schemas } from "./generated/schemas.ts";
import type { Kind } from "./objects.ts";

/** The parts of a schema that hold defaults, and nothing else: most objects are filled in by a few steps. */
export interface Plan {
  readonly fields: readonly (readonly [
    name: string,
    fallback: Json | undefined,
    plan: Plan | undefined,
  ])[];
  readonly items: Plan | undefined;
  /** Fields that the object must not have beside what another field of it says: they get no default. */
  readonly excluded?: (object: JsonObject) => ReadonlySet<string> | undefined;
}

const plans = new Map<Kind, Plan | undefined>();

/**
 * An object with what the schema of its kind has defaults for. The object is valid already. It stays as it is; what lacks
 * nothing is shared with it, and all objects share the defaults, which are frozen.
 */
export function withDefaults(kind: Kind, object: JsonObject): JsonObject {
  const plan = defaultsOf(kind);
  return plan === undefined ? object : (filled(plan, object) as JsonObject);
}

/** What the schema of a kind has defaults for; undefined when there are none. */
export function defaultsOf(kind: Kind): Plan | undefined {
  if (!plans.has(kind)) plans.set(kind, planOf(schemas[kind]));
  return plans.get(kind);
}

function planOf(schema: FieldSchema): Plan | undefined {
  const { properties = {}, items } = schema;
  const fields: (readonly [string, Json | undefined, Plan | undefined])[] = [];
  for (const [name, field] of Object.entries(properties)) {
    const plan = planOf(field);
    if (plan === undefined && field.default === undefined) continue;
    const fallback = field.default as Json | undefined;
    const complete =
      fallback === undefined || plan === undefined ? fallback : filled(plan, fallback);
    fields.push([name, frozen(complete), plan]);
  }
  const itemPlan = items && planOf(items);
  if (fields.length === 0 && itemPlan === undefined) return undefined;
  const excluded = exclusionsOf(schema);
  return { fields, items: itemPlan, ...(excluded && { excluded }) };
}

/** The shape of `allOf` in which a schema says what does not go with a value: `{if: {properties: {wire: {const}}}, then: {properties: {x: false}}}`. */
interface Branch {
  readonly if?: { readonly properties?: Readonly<Record<string, { readonly const?: unknown }>> };
  readonly then?: { readonly properties?: Readonly<Record<string, unknown>> };
}

function exclusionsOf({ allOf }: FieldSchema): Plan["excluded"] {
  const rows = ((allOf ?? []) as readonly Branch[]).flatMap((branch) => {
    const [selector] = Object.entries(branch.if?.properties ?? {});
    const entries = Object.entries(branch.then?.properties ?? {});
    const names = entries.flatMap(([name, schema]) => (schema === false ? [name] : []));
    if (selector === undefined || names.length === 0) return [];
    return [{ field: selector[0], value: selector[1].const, names: new Set(names) }];
  });
  if (rows.length === 0) return undefined;
  return (object) => rows.find(({ field, value }) => object[field] === value)?.names;
}

/** A part of an object with its defaults, likewise shared. */
export function filled(plan: Plan, value: Json): Json {
  if (Array.isArray(value)) return filledList(plan, value);
  if (!isObject(value)) return value;
  let copy: JsonObject | undefined;
  const excluded = plan.excluded?.(value as JsonObject);
  for (const [name, fallback, inner] of plan.fields) {
    const written = (value as JsonObject)[name];
    const complete =
      written === undefined
        ? excluded?.has(name)
          ? undefined
          : fallback
        : inner === undefined
          ? written
          : filled(inner, written);
    if (complete === undefined || complete === written) continue;
    copy ??= { ...(value as JsonObject) };
    copy[name] = complete;
  }
  return copy ?? (value as JsonObject);
}

function filledList({ items }: Plan, list: Json[]): Json {
  if (items === undefined) return list;
  const complete = list.map((item) => filled(items, item));
  return complete.every((item, index) => item === list[index]) ? list : complete;
}

function frozen(value: Json | undefined): Json | undefined {
  if (typeof value !== "object" || value === null) return value;
  for (const item of Object.values(value)) frozen(item);
  return Object.freeze(value) as Json;
}
