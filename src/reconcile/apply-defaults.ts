import { isDeepStrictEqual } from "node:util";
import { isObject, type Json, type JsonObject, pathOf, pointerOf } from "../lib/json.ts";
import { defaultsOf, filled, type Plan } from "../manifest/defaults.ts";
import { isKind } from "../manifest/kinds.ts";
import { isNamedList } from "../state/managed-values.ts";
import type { Managers } from "../state/resource.ts";

/**
 * The spec without the defaults that nobody sent. A merge must not meet them: the default of a map would mix with what a
 * manager sends in its place, and of a list item that its manager drops the defaults would be left over.
 */
export function withoutDefaults(kind: string, spec: JsonObject, managers: Managers): JsonObject {
  const plan = specPlan(kind);
  return plan === undefined ? spec : (bare(plan, spec, "/spec", ownedBy(managers)) as JsonObject);
}

/** The spec with the defaults of items filled in where a list is one field: such lists are compared as they are in the store, whole. */
export function withItemDefaults(kind: string, spec: JsonObject): JsonObject {
  const plan = specPlan(kind);
  return plan === undefined ? spec : (itemsFilled(plan, spec) as JsonObject);
}

function specPlan(kind: string): Plan | undefined {
  if (!isKind(kind)) return undefined;
  const [, , plan] = defaultsOf(kind)?.fields.find(([name]) => name === "spec") ?? [];
  return plan;
}

/** The pointers that somebody owns, and all that lead to them. */
function ownedBy(managers: Managers): ReadonlySet<string> {
  const owned = new Set<string>();
  for (const pointer of Object.values(managers).flat()) {
    const path = pathOf(pointer);
    for (let length = path.length; length > 0; length -= 1) {
      owned.add(pointerOf(path.slice(0, length)));
    }
  }
  return owned;
}

function bare(plan: Plan, value: Json, at: string, owned: ReadonlySet<string>): Json {
  const { fields, items } = plan;
  if (isNamedList(value)) {
    if (items === undefined) return value;
    return value.map((item) => bare(items, item, at + pointerOf([`name=${item.name}`]), owned));
  }
  if (!isObject(value)) return value;
  const copy: JsonObject = { ...(value as JsonObject) };
  for (const [name, fallback, inner] of fields) {
    const child = Object.hasOwn(copy, name) ? copy[name] : undefined;
    if (child === undefined) continue;
    const below = at + pointerOf([name]);
    if (!owned.has(below) && isDeepStrictEqual(child, fallback)) delete copy[name];
    else if (inner !== undefined) copy[name] = bare(inner, child, below, owned);
  }
  return copy;
}

function itemsFilled({ fields, items }: Plan, value: Json): Json {
  if (Array.isArray(value)) {
    if (items === undefined) return value;
    const complete = isNamedList(value) ? itemsFilled : filled;
    return value.map((item) => complete(items, item));
  }
  if (!isObject(value)) return value;
  const copy: JsonObject = { ...(value as JsonObject) };
  for (const [name, , inner] of fields) {
    const child = Object.hasOwn(copy, name) ? copy[name] : undefined;
    if (inner !== undefined && child !== undefined) copy[name] = itemsFilled(inner, child);
  }
  return copy;
}
