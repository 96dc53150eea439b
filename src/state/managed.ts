import { isDeepStrictEqual } from "node:util";
import { LegionError } from "../lib/errors.ts";
import { isObject, type Json, type JsonObject, pointerOf } from "../lib/json.ts";
import { count } from "../lib/text.ts";
import { titleOf } from "../manifest/plan-text.ts";
import {
  combineNamed,
  isNamedList,
  leaves,
  type NamedItem,
  parts,
  prune,
} from "./managed-values.ts";
import type { Managers, ResourceKey } from "./resource.ts";

/** The part of an object that appliers write. */
export interface ManagedFields {
  readonly spec: JsonObject;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A field that another manager owns with another value. */
export interface FieldConflict {
  readonly pointer: string;
  readonly manager: string;
}

export type MergeResult =
  | { readonly merged: ManagedFields; readonly managers: Managers; readonly conflicts?: never }
  | { readonly conflicts: readonly FieldConflict[] };

/** Pointers that each other manager owns; a forced merge takes some away. */
type Owners = ReadonlyMap<string, Set<string>>;

interface Merge {
  readonly others: Owners;
  readonly force: boolean;
  readonly conflicts: FieldConflict[];
}

/**
 * Makes the live object say what one manager desires, and leaves alone what others own. A manager owns the fields that it
 * sent last; one that it sends no more goes when nobody else owns it. A different value in a field of another manager is
 * a conflict, unless forced. A list is one field, except when all its items are objects with a `name`: these merge by name.
 */
export function mergeManaged(
  live: (ManagedFields & { readonly managers: Managers }) | undefined,
  desired: ManagedFields,
  manager: string,
  { force }: { readonly force: boolean },
): MergeResult {
  const before = Object.entries(live?.managers ?? {});
  const others = new Map(
    before.filter(([name]) => name !== manager).map(([name, owned]) => [name, new Set(owned)]),
  );
  const merge: Merge = { others, force, conflicts: [] };
  const combined = combine(rootOf(live), rootOf(desired) ?? null, "", merge);
  if (merge.conflicts.length > 0) return { conflicts: merge.conflicts };
  const sent = new Set(leaves(rootOf(desired) ?? null, ""));
  const owned = new Set([...sent, ...[...others.values()].flatMap((each) => [...each])]);
  const had = before.find(([name]) => name === manager)?.[1] ?? [];
  const gone = new Set(had.filter((pointer) => !owned.has(pointer)));
  const kept = gone.size > 0 ? prune(combined, "", gone, owned) : combined;
  return {
    merged: { spec: {}, labels: {}, annotations: {}, ...(kept as Partial<ManagedFields>) },
    managers: managersOf(new Map([...others, [manager, sent]])),
  };
}

/** What stays when a manager gives up its fields: they keep their values, and the next one who sends them owns them. */
export function forgetManager(managers: Managers, manager: string): Managers {
  return Object.fromEntries(Object.entries(managers).filter(([name]) => name !== manager));
}

/** The error for fields that belong to others. */
export function fieldConflictError(
  key: ResourceKey,
  conflicts: readonly FieldConflict[],
): LegionError {
  const told = conflicts
    .slice(0, FIELDS_TOLD)
    .map(({ pointer, manager }) => `${pointer} (${manager})`);
  const more = conflicts.length - told.length;
  const rest = more > 0 ? ` and ${more} more` : "";
  return new LegionError({
    code: "LEG6026",
    message: `${count(conflicts.length, "field")} of ${titleOf(key)} ${conflicts.length === 1 ? "belongs" : "belong"} to another manager: ${told.join(", ")}${rest}`,
    hint: "send the same values, leave the fields out, or apply with --force-conflicts",
  });
}
const FIELDS_TOLD = 5;

function rootOf(fields: ManagedFields | undefined): Json | undefined {
  return fields && { spec: fields.spec, labels: fields.labels, annotations: fields.annotations };
}

function combine(live: Json | undefined, desired: Json, pointer: string, merge: Merge): Json {
  if (live === undefined) return desired;
  if (isObject(live) && isObject(desired)) {
    const added = parts(desired, pointer).filter(({ key }) => !Object.hasOwn(live, key));
    const kept = parts(live, pointer).map(({ key, value, at }) => {
      const wanted = Object.hasOwn(desired, key) ? desired[key] : undefined;
      return [key, wanted === undefined ? value : combine(value, wanted, at, merge)] as const;
    });
    return Object.fromEntries([...kept, ...added.map(({ key, value }) => [key, value] as const)]);
  }
  if (isNamedList(live) && isNamedList(desired)) {
    if (!merge.force) keepOrder(live, desired, pointer, merge);
    return combineNamed(live, desired, pointer, (from, to, at) => {
      return combine(from, to, at, merge) as NamedItem;
    });
  }
  if (!isDeepStrictEqual(live, desired)) take(pointer, merge);
  return desired;
}

/** The order of items that another manager sends too is its own as much as their fields: turned back and forth, each apply would undo the other. */
function keepOrder(
  live: readonly NamedItem[],
  desired: readonly NamedItem[],
  pointer: string,
  { others, conflicts }: Merge,
): void {
  for (const [manager, owned] of others) {
    const isShared = ({ name }: NamedItem) =>
      owned.has(pointer + pointerOf([`name=${name}`, "name"]));
    const wanted = desired.filter(isShared).map(({ name }) => name);
    const present = live.map(({ name }) => name).filter((name) => wanted.includes(name));
    if (present.some((name, index) => name !== wanted[index])) conflicts.push({ pointer, manager });
  }
}

/** Notes who else owns the field or a part of it; a forced merge takes it from them. */
function take(pointer: string, { others, force, conflicts }: Merge): void {
  for (const [manager, owned] of others) {
    for (const each of owned) {
      if (each !== pointer && !each.startsWith(`${pointer}/`)) continue;
      if (force) owned.delete(each);
      else conflicts.push({ pointer: each, manager });
    }
  }
}

function managersOf(owners: Owners): Managers {
  return Object.fromEntries(
    [...owners]
      .filter(([, owned]) => owned.size > 0)
      .map(([manager, owned]) => [manager, [...owned].sort()] as const),
  );
}
