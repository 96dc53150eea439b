import type { Clock } from "../lib/clock.ts";
import type { JsonObject } from "../lib/json.ts";
import type { PlannedChange } from "../manifest/plan-contract.ts";
import { keyOf, keyText, type Resource, type ResourceKey } from "../state/resource.ts";
import {
  CHANGES_PER_WRITE_MAX,
  type Fence,
  type InventoryChange,
  type PutChange,
  type SettledChange,
  type Store,
  type StoreChange,
  type WriteResult,
} from "../state/store.ts";
import { ConflictError } from "../state/store-errors.ts";
import { tooManyChanges } from "./apply-errors.ts";
import type { Validate } from "./apply-object.ts";
import type { AppliedObject, ApplyOutcome } from "./contract.ts";
import { deletionsOf, finalizersOf } from "./deletions.ts";

/** What the work on objects is done with. */
export interface PlaneContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly fence?: Fence;
  /** No daemon runs on this store: what is deleted goes at once. */
  readonly idle: boolean;
  readonly validate: Validate;
}

/** The decided changes of an apply, and what they were decided on. */
export interface Decision {
  readonly changes: readonly PlannedChange[];
  readonly live: ReadonlyMap<string, Resource>;
  readonly manager: string;
  readonly inventory?: InventoryChange;
  readonly settled?: SettledChange;
  readonly dryRun: boolean;
}

/** What became of them. */
export interface Done {
  readonly objects: readonly AppliedObject[];
  readonly rowsWritten: number;
  readonly version: number;
}

/** How often a decision is made anew because objects moved in between. */
const ATTEMPTS_MAX = 5;

/** Does the work again when objects moved between its reading and its writing; LEG6021 when they never stand still. */
export async function whenSettled<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

/** One write of the store, or none when there is nothing to write. */
export async function writeAll(
  { store, clock, fence }: PlaneContext,
  changes: readonly StoreChange[],
): Promise<WriteResult> {
  if (changes.length === 0) return { version: await store.version(), rowsWritten: 0, events: [] };
  return store.write(changes, { at: clock.now(), ...(fence && { fence }) });
}

/** Carries out the changes of a plan in one write, whole or not at all. */
export async function carryOut(context: PlaneContext, decision: Decision): Promise<Done> {
  const { changes, live, manager, inventory, settled, dryRun } = decision;
  const doomed = changes.flatMap((change) => {
    const resource = change.action === "delete" ? live.get(keyText(change)) : undefined;
    return resource === undefined ? [] : [resource];
  });
  // Only a delete has to know of objects besides those that the plan is about.
  const all = doomed.length > 0 ? await context.store.list() : [];
  const puts = changes.flatMap((change) => putFor(change, live, manager));
  const spared = new Set(puts.map(({ key }) => keyText(key)));
  const deletions = deletionsOf(doomed, all, { idle: context.idle, spared });
  const also = [...(inventory ? [inventory] : []), ...(settled ? [settled] : [])];
  const writes = [...puts, ...deletions.changes, ...also];
  if (writes.length > CHANGES_PER_WRITE_MAX) throw tooManyChanges(writes.length);
  const result = await writeAll(context, dryRun ? [] : writes);
  const { version, rowsWritten } = result;
  const generations = generationsIn(result);
  const after = (key: ResourceKey, before: Resource | undefined) =>
    generations.get(keyText(key)) ?? before?.generation ?? 0;
  const told = changes.map((change) => {
    const before = live.get(keyText(change));
    return appliedObject(change, before, after(change, before));
  });
  const fallen = deletions.resources.slice(doomed.length).map(
    (resource): AppliedObject => ({
      ...keyOf(resource),
      outcome: "pruned",
      generation: after(resource, resource),
      notes: ["what it belonged to was pruned"],
    }),
  );
  return { objects: [...told, ...fallen], version, rowsWritten };
}

/** The generations of what a write changed; 0 for what is gone. */
function generationsIn({ events }: WriteResult): ReadonlyMap<string, number> {
  return new Map(
    events.map(({ type, resource }) => [
      keyText(resource),
      type === "deleted" ? 0 : resource.generation,
    ]),
  );
}

function putFor(
  change: PlannedChange,
  all: ReadonlyMap<string, Resource>,
  manager: string,
): readonly PutChange[] {
  const { object } = change;
  if (object === undefined) return [];
  const live = all.get(keyText(change));
  if (live?.deletionTimestamp !== undefined) return [];
  const { labels, annotations, managers, origin } = object;
  const spec = object.spec as JsonObject;
  const finalizers = live === undefined ? finalizersOf[change.kind] : undefined;
  return [
    {
      type: "put",
      key: keyOf(change),
      ...{ labels, annotations, spec, manager },
      expect: live?.resourceVersion ?? "absent",
      ...(managers && { managers }),
      ...(origin && { origin }),
      ...(finalizers && { finalizers }),
    },
  ];
}

function appliedObject(
  change: PlannedChange,
  live: Resource | undefined,
  generation: number,
): AppliedObject {
  const { notes } = change;
  return {
    ...keyOf(change),
    outcome: outcomeOf(change, live),
    generation,
    ...(notes && { notes }),
  };
}

function outcomeOf(
  { action, isUndeclared }: PlannedChange,
  live: Resource | undefined,
): ApplyOutcome {
  switch (action) {
    case "create":
      return live === undefined ? "created" : "deferred";
    case "update":
      return "configured";
    case "delete":
      return "pruned";
    case "keep":
      return isUndeclared === true ? "kept" : "unchanged";
  }
}
