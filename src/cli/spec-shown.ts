import { isDeepStrictEqual } from "node:util";
import { isObject, type JsonObject } from "../lib/json.ts";
import { defaultsOf, filled, type Plan } from "../manifest/defaults.ts";
import { isKind } from "../manifest/kinds.ts";

/** What of a spec differs from the defaults of its kind: what somebody decided. With the defaults it is the whole spec again. */
export function specShown(kind: string, spec: JsonObject): JsonObject {
  const [, , plan] =
    (isKind(kind) ? defaultsOf(kind) : undefined)?.fields.find(([name]) => name === "spec") ?? [];
  return plan === undefined ? spec : differing(plan, spec);
}

function differing(plan: Plan, value: JsonObject): JsonObject {
  const defaults = filled(plan, {}) as JsonObject;
  const inner = new Map(plan.fields.map(([name, , below]) => [name, below]));
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, field]) => {
      if (Object.hasOwn(defaults, name) && isDeepStrictEqual(field, defaults[name])) return [];
      const below = inner.get(name);
      const isPart = below !== undefined && isObject(field);
      return [[name, isPart ? differing(below, field as JsonObject) : field]];
    }),
  );
}
