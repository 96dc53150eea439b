import { isObject, type Json, type JsonObject, pathOf } from "../lib/json.ts";
import { isNamedList } from "../state/managed-values.ts";

/** How many pointers are kept in their parts; objects of a kind share most of theirs. */
const PATHS_MAX = 20_000;
const paths = new Map<string, readonly string[]>();

/** Whether two JSON values are equal; what they were made by does not count. Makes nothing, since it sees every object of an apply. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => sameJson(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  let fields = 0;
  for (const key in a) {
    if (!Object.hasOwn(b, key) || !sameJson(a[key], b[key])) return false;
    fields += 1;
  }
  for (const _ in b) fields -= 1;
  return fields === 0;
}

/** Whether these are the pointers of all that is owned as one in a value: each leads to such a part, and there are as many. */
export function areLeavesOf(value: JsonObject, pointers: readonly string[]): boolean {
  return (
    countLeaves(value) === pointers.length &&
    pointers.every((pointer) => isLeaf(valueAt(value, partsOf(pointer))))
  );
}

function countLeaves(value: Json): number {
  let found = 0;
  if (isNamedList(value)) for (const item of value) found += countLeaves(item);
  else if (isObject(value)) for (const key in value) found += countLeaves(value[key] as Json);
  return Math.max(found, 1);
}

function isLeaf(value: Json | undefined): boolean {
  if (value === undefined || isNamedList(value)) return false;
  if (isObject(value)) for (const _ in value) return false;
  return true;
}

function valueAt(root: JsonObject, path: readonly string[]): Json | undefined {
  let value: Json | undefined = root;
  for (const part of path) {
    if (value !== undefined && isNamedList(value)) {
      value = value.find(({ name }) => part === `name=${name}`);
    } else if (isObject(value) && Object.hasOwn(value, part)) {
      value = value[part] as Json;
    } else {
      return undefined;
    }
  }
  return value;
}

function partsOf(pointer: string): readonly string[] {
  const known = paths.get(pointer);
  if (known !== undefined) return known;
  if (paths.size >= PATHS_MAX) paths.clear();
  const path = pathOf(pointer);
  paths.set(pointer, path);
  return path;
}
