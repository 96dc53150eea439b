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
  if (!isObject(value[0])) return false;
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
  const found: string[] = [];
  collectLeaves(value, pointer, found);
  return found;
}

/** An apply asks this of every object, so it makes nothing but the pointers. */
function collectLeaves(value: Json, pointer: string, found: string[]): void {
  if (isNamedList(value)) {
    for (const item of value) collectLeaves(item, `${pointer}${step(`name=${item.name}`)}`, found);
    return;
  }
  const fields = isObject(value) ? (value as JsonObject) : {};
  const before = found.length;
  for (const key of Object.keys(fields)) {
    collectLeaves(fields[key] as Json, `${pointer}${step(key)}`, found);
  }
  if (found.length === before) found.push(pointer);
}

function step(key: string): string {
  return key.includes("/") || key.includes("~") ? pointerOf([key]) : `/${key}`;
}

/**
 * Two lists by name. Items that are only live keep their places. Those desired share their own places in the desired
 * order, and a new one comes right after the item before it. So a manager alone gets exactly its order, and two that
 * send different items do not turn it back and forth.
 */
export function combineNamed(
  live: readonly NamedItem[],
  desired: readonly NamedItem[],
  pointer: string,
  combine: (live: NamedItem, desired: NamedItem, pointer: string) => NamedItem,
): NamedItem[] {
  const known = new Map(live.map((item) => [item.name, item]));
  const wanted = new Set(desired.map(({ name }) => name));
  // Each run is one item that has a place, with the new ones that go with it.
  const runs: NamedItem[][] = [];
  let leading: NamedItem[] = [];
  for (const item of desired) {
    const present = known.get(item.name);
    if (present !== undefined) {
      const at = pointer + pointerOf([`name=${item.name}`]);
      runs.push([...leading, combine(present, item, at)]);
      leading = [];
    } else {
      (runs.at(-1) ?? leading).push(item);
    }
  }
  const queue = runs.values();
  const placed = live.flatMap((item) =>
    wanted.has(item.name) ? (queue.next().value ?? []) : [item],
  );
  return [...placed, ...leading];
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
    // Whoever owns anything of an item owns its name: what is left of one without a name is nobody's.
    const isRemnant = Array.isArray(value) && isObject(left) && left.name === undefined;
    return left === undefined || isRemnant ? [] : [[key, left] as const];
  });
  if (kept.length === 0) {
    if (!owned.has(pointer)) return undefined;
    return Array.isArray(value) ? [] : {};
  }
  return Array.isArray(value) ? kept.map(([, item]) => item) : Object.fromEntries(kept);
}
