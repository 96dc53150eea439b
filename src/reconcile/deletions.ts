import type { JsonObject } from "../lib/json.ts";
import { PRUNE_ANNOTATION } from "../manifest/prune.ts";
import { keyOf, keyText, type Resource } from "../state/resource.ts";
import type { StoreChange } from "../state/store.ts";
import { sourceName } from "./source-name.ts";

/** Lets the turn of a deleted agent come to its end. */
export const DRAIN_FINALIZER = "legion.dev/drain";
/** Deletes what came from a deleted source. */
export const PRUNE_FINALIZER = "legion.dev/prune";
/** Forgets what a deleted watcher knew. */
export const WATCH_FINALIZER = "legion.dev/watch";
/** Cancels what a deleted cron runs, and forgets its moments. */
export const CRON_FINALIZER = "legion.dev/cron";

/** What objects of a kind wait for before they go. */
export const finalizersOf: Readonly<Record<string, readonly string[]>> = {
  Agent: [DRAIN_FINALIZER],
  Watcher: [WATCH_FINALIZER],
  Cron: [CRON_FINALIZER],
  Source: [PRUNE_FINALIZER],
};

/** Everything that goes with some objects, and how. */
export interface Deletions {
  readonly changes: readonly StoreChange[];
  /** What is deleted or marked for it: what was named first, then what goes with that. */
  readonly resources: readonly Resource[];
}

/**
 * Deletes objects, and with those that go at once the objects that are left without an owner. Where no daemon runs (`idle`)
 * there is nothing to drain, so finalizers are run here: an object goes at once, and a Source takes along what came from it.
 * What is `spared` (by key, because the same write puts it) goes with nothing.
 */
export function deletionsOf(
  doomed: readonly Resource[],
  all: readonly Resource[],
  { idle, spared = new Set() }: { readonly idle: boolean; readonly spared?: ReadonlySet<string> },
): Deletions {
  const dependants = dependantsIn(all);
  const living = new Set(all.map(({ uid }) => uid));
  const chosen = new Map(doomed.map((resource) => [resource.uid, resource]));
  const changes: StoreChange[] = [];
  // A Map goes on to what is added while it is walked.
  for (const resource of chosen.values()) {
    changes.push(...changesFor(resource, idle));
    if (!idle && resource.finalizers.length > 0) continue;
    living.delete(resource.uid);
    const orphans = (dependants.get(resource.uid) ?? []).filter(
      ({ ownerReferences }) => !ownerReferences.some(({ uid }) => living.has(uid)),
    );
    const owned = idle && resource.kind === "Source" ? broughtBy(resource, all) : [];
    for (const each of [...orphans, ...owned]) {
      if (!chosen.has(each.uid) && !spared.has(keyText(each))) chosen.set(each.uid, each);
    }
  }
  return { changes, resources: [...chosen.values()] };
}

function dependantsIn(all: readonly Resource[]): ReadonlyMap<string, readonly Resource[]> {
  const pairs = all.flatMap((resource) =>
    resource.ownerReferences.map(({ uid }) => ({ uid, resource })),
  );
  const grouped = Map.groupBy(pairs, ({ uid }) => uid);
  return new Map(
    [...grouped].map(([uid, found]) => [uid, found.map(({ resource }) => resource)] as const),
  );
}

function changesFor(resource: Resource, idle: boolean): readonly StoreChange[] {
  const key = keyOf(resource);
  const remove: StoreChange = { type: "delete", key, expect: resource.resourceVersion };
  if (!idle) return [remove];
  const finalize = resource.finalizers.map(
    (finalizer): StoreChange => ({ type: "finalize", key, finalizer }),
  );
  const forget: StoreChange = { type: "inventory", source: sourceName(resource) };
  return [remove, ...finalize, ...(resource.kind === "Source" ? [forget] : [])];
}

/** What a source brought and nobody took over; nothing when it was told not to prune. */
function broughtBy(source: Resource, all: readonly Resource[]): readonly Resource[] {
  const { prune = true } = source.spec as JsonObject;
  if (prune === false) return [];
  const name = sourceName(source);
  return all.filter(
    ({ origin, annotations }) =>
      origin?.source === name && annotations[PRUNE_ANNOTATION] !== "disabled",
  );
}
