import { isObject, type Json, type JsonObject, type JsonPath } from "../../lib/json.ts";

/** Told of every field that a patch sets or removes: its path in the object, and in the patch. */
export type Note = (path: JsonPath, from: JsonPath, isRemoved: boolean) => void;

interface Place {
  readonly path: JsonPath;
  readonly from: JsonPath;
}

const top: Place = { path: [], from: [] };

/**
 * A value with a patch laid over it: maps are merged field by field, null removes a field, a list of items with names is
 * merged by name, anything else is replaced. Both stay as they are.
 */
export function mergePatch(base: Json | undefined, patch: Json, note: Note, place = top): Json {
  if (isObject(patch) && isObject(base))
    return mergeMaps(base as JsonObject, patch as JsonObject, note, place);
  const items = Array.isArray(patch) && Array.isArray(base) ? namedItems(base, patch) : undefined;
  if (items !== undefined) return mergeItems(items, patch as JsonObject[], note, place);
  note(place.path, place.from, false);
  return withoutNulls(patch);
}

function mergeMaps(base: JsonObject, patch: JsonObject, note: Note, place: Place): JsonObject {
  const result = { ...base };
  for (const [name, field] of Object.entries(patch)) {
    const at = below(place, name, name);
    if (field !== null) {
      const old = Object.hasOwn(base, name) ? base[name] : undefined;
      result[name] = mergePatch(old, field, note, at);
    } else {
      delete result[name];
      note(at.path, at.from, true);
    }
  }
  return result;
}

/** The items of a list to merge by name. A plain name in it stands for an item that says no more. */
function namedItems(base: readonly Json[], patch: readonly Json[]): Json[] | undefined {
  const isNamed = (item: Json) => isObject(item) && typeof item.name === "string";
  if (patch.length === 0 || !patch.every(isNamed)) return undefined;
  if (!base.every((item) => isNamed(item) || typeof item === "string")) return undefined;
  return [...base];
}

function mergeItems(base: Json[], patch: readonly JsonObject[], note: Note, place: Place): Json[] {
  const result = base;
  for (const [from, item] of patch.entries()) {
    const known = result.findIndex((other) => nameOf(other) === item.name);
    const index = known === -1 ? result.length : known;
    const old = result[index];
    const whole = typeof old === "string" ? { name: old } : old;
    result[index] = mergePatch(whole, item, note, below(place, index, from));
  }
  return result;
}

function nameOf(item: Json): Json | undefined {
  return isObject(item) ? (item as JsonObject).name : item;
}

function below({ path, from }: Place, step: string | number, fromStep: string | number): Place {
  return { path: [...path, step], from: [...from, fromStep] };
}

/** In a value that is new as a whole, null removes what is not there. */
function withoutNulls(value: Json): Json {
  if (!isObject(value)) return value;
  const fields = Object.entries(value as JsonObject).filter(([, field]) => field !== null);
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutNulls(field)]));
}
