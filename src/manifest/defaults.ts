import { isObject, type Json, type JsonObject } from "../lib/json.ts";
import type { FieldSchema } from "./field-schema.ts";
import { schemas } from "./generated/schemas.ts";
import type { Kind } from "./objects.ts";

/** The parts of a schema that hold defaults, and nothing else: most objects are filled in by a few steps. */
interface Plan {
  readonly fields: readonly (readonly [
    name: string,
    fallback: Json | undefined,
    plan: Plan | undefined,
  ])[];
  readonly items: Plan | undefined;
}

const plans = new Map<Kind, Plan | undefined>();

/** Fills in what the schema of a kind has defaults for, in place. The object is valid already. */
export function fillDefaults(kind: Kind, object: JsonObject): void {
  if (!plans.has(kind)) plans.set(kind, planOf(schemas[kind]));
  const plan = plans.get(kind);
  if (plan !== undefined) fill(plan, object);
}

function planOf({ properties = {}, items }: FieldSchema): Plan | undefined {
  const fields: (readonly [string, Json | undefined, Plan | undefined])[] = [];
  for (const [name, field] of Object.entries(properties)) {
    const plan = planOf(field);
    if (plan !== undefined || field.default !== undefined)
      fields.push([name, field.default as Json | undefined, plan]);
  }
  const itemPlan = items && planOf(items);
  return fields.length === 0 && itemPlan === undefined ? undefined : { fields, items: itemPlan };
}

function fill({ fields, items }: Plan, value: Json | undefined): void {
  if (Array.isArray(value)) {
    if (items !== undefined) for (const item of value) fill(items, item);
    return;
  }
  if (!isObject(value)) return;
  for (const [name, fallback, plan] of fields) {
    if (value[name] === undefined && fallback !== undefined)
      value[name] = structuredClone(fallback);
    if (plan !== undefined) fill(plan, value[name] as Json | undefined);
  }
}
