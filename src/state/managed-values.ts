import { isObject, type Json, type JsonObject, pointerOf } from "../lib/json.ts";

/** An item of a list that merges by name. */
export type NamedItem = JsonObject & { name: string };

/** One level below a value: a key of a map, or the item of a name. */
export interface Part {
  readonly key: string;
  readonly value: Json;
  readonly at: string;
}

/** Whether a list merges by name: it has items, all are objects with a name, and no name comes twice. An empty list is a value like any other. */
export function isNamedList(value: Json): value is NamedItem[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  const names = value.map((item) => (isObject(item) ? item.name : undefined));
  return names.every((name) => typeof name === "string") && new Set(names).size === names.length;
}

/** The fields of a map, or the items of a list that merges by name; none for what is one value. */
export function parts(value: Json, pointer: string): Part[] {
  if (isNamedList(value)) {
    return value.map((item) => {
      return { key: item.name, value: item, at: pointer + pointerOf([`name=${item.name}`]) };
    });
  }
  if (!isObject(value)) return [];
  return Object.entries(value as JsonObject).map(([key, child]) => {
    return { key, value: child, at: pointer + pointerOf([key]) };
  });
}

/** Pointers of everything in a value that is owned as one: scalars, lists without names, empty maps. */
export function leaves(value: Json, pointer: string): string[] {
  const below = parts(value, pointer);
  return below.length === 0 ? [pointer] : below.flatMap((part) => leaves(part.value, part.at));
}

/**
 * Two lists by name. Items that are only live keep their places; those desired stand in their own places in the desired
 * order, new ones last. So the order is the manager's own where it is alone, and stays where two managers meet.
 */
export function combineNamed(
  live: readonly NamedItem[],
  desired: readonly NamedItem[],
  pointer: string,
  combine: (live: NamedItem, desired: NamedItem, pointer: string) => NamedItem,
): NamedItem[] {
  const byName = new Map(live.map((item) => [item.name, item]));
  const wanted = new Set(desired.map(({ name }) => name));
  const merged = desired.map((item) => {
    const known = byName.get(item.name);
    const at = pointer + pointerOf([`name=${item.name}`]);
    return known === undefined ? item : combine(known, item, at);
  });
  const queue = merged.values();
  const placed = live.map((item) => (wanted.has(item.name) ? (queue.next().value ?? item) : item));
  return [...placed, ...queue];
}

/** The value without the fields that are gone. A container that loses its last field goes too, unless somebody owns it as an empty one. */
export function prune(
  value: Json,
  pointer: string,
  gone: ReadonlySet<string>,
  owned: ReadonlySet<string>,
): Json | undefined {
  const below = parts(value, pointer);
  if (below.length === 0) return gone.has(pointer) ? undefined : value;
  const kept = below.flatMap(({ key, value: child, at }) => {
    const left = prune(child, at, gone, owned);
    return left === undefined ? [] : [[key, left] as const];
  });
  if (kept.length === 0) {
    if (!owned.has(pointer)) return undefined;
    return Array.isArray(value) ? [] : {};
  }
  return Array.isArray(value) ? kept.map(([, item]) => item) : Object.fromEntries(kept);
}
