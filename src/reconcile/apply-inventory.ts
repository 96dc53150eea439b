import type { PlannedChange, PlannedInventory } from "../manifest/plan-contract.ts";
import { compareKeys, keyOf, keyText, type Resource, type ResourceKey } from "../state/resource.ts";
import type { Inventory, InventoryChange } from "../state/store.ts";
import type { ApplyRequest } from "./contract.ts";

/** What an apply finds when it compares what is declared with what the source declared before. */
export interface Standing {
  readonly before: Inventory | undefined;
  /** Keys of everything that is declared now. */
  readonly declared: ReadonlySet<string>;
  /** What was declared before and is no more. */
  readonly left: readonly ResourceKey[];
}

/** Compares a request with the inventory of its source. */
export function standingOf(
  { objects, unchanged = [] }: ApplyRequest,
  before: Inventory | undefined,
): Standing {
  const declared = new Set(objects.map(keyText));
  for (const key of unchanged) declared.add(keyText(key));
  const left = (before?.keys ?? []).filter((key) => !declared.has(keyText(key)));
  return { before, declared, left };
}

/** What a source remembers after an apply; undefined when that is what it remembers already. */
export function inventoryAfter(
  request: ApplyRequest,
  standing: Standing,
  changes: readonly PlannedChange[],
  live: ReadonlyMap<string, Resource>,
): PlannedInventory | undefined {
  const { before } = standing;
  const { digest, revision } = request;
  const keys = keysAfter(request, standing, changes, live);
  const applied = revision ?? before?.applied;
  const next: PlannedInventory = {
    keys,
    digest,
    ...(applied !== undefined && { applied }),
    attempted: revision ?? before?.attempted ?? "",
  };
  const isSame =
    before !== undefined &&
    keys === before.keys &&
    before.digest === digest &&
    before.applied === applied &&
    before.attempted === next.attempted;
  return isSame ? undefined : next;
}

/** What is declared; without pruning also all that was before, with pruning what was kept and is still the source's own. The list before when it holds the same. */
function keysAfter(
  { objects, unchanged = [], prune = false, source }: ApplyRequest,
  { before, declared, left }: Standing,
  changes: readonly PlannedChange[],
  live: ReadonlyMap<string, Resource>,
): readonly ResourceKey[] {
  const kept = prune ? left.filter(isKept(source, changes, live)) : left;
  const known = before?.keys ?? [];
  const areAllKnown = known.length - left.length === declared.size;
  if (before !== undefined && areAllKnown && kept.length === left.length) return known;
  const after = [...objects, ...unchanged, ...kept];
  const byText = new Map(after.map((key) => [keyText(key), keyOf(key)]));
  return [...byText.values()].sort(compareKeys);
}

function isKept(
  source: string,
  changes: readonly PlannedChange[],
  live: ReadonlyMap<string, Resource>,
): (key: ResourceKey) => boolean {
  const kept = new Set(changes.filter((change) => change.isUndeclared).map(keyText));
  return (key) => {
    const { origin } = live.get(keyText(key)) ?? {};
    return kept.has(keyText(key)) && (origin === undefined || origin.source === source);
  };
}

/** The inventory that a saved plan leaves. What the source applied since the plan was made stays in it. */
export function inventoryOfPlan(
  planned: PlannedInventory,
  base: Readonly<Record<string, unknown>>,
  before: Inventory | undefined,
): PlannedInventory {
  const keys = new Map(planned.keys.map((key) => [keyText(key), keyOf(key)]));
  for (const key of before?.keys ?? []) {
    if (!Object.hasOwn(base, keyText(key))) keys.set(keyText(key), key);
  }
  return { ...planned, keys: [...keys.values()].sort(compareKeys) };
}

/** As a change of the store. */
export function inventoryChange(source: string, inventory: PlannedInventory): InventoryChange {
  return { type: "inventory", source, inventory };
}
