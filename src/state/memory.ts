import { compareKeys, keyText, type Resource, type SpecRecord } from "./resource.ts";
import {
  EVENTS_RETAINED,
  HISTORY_MAX,
  type Inventory,
  type Store,
  type StoreEvent,
} from "./store.ts";
import { type StoreOptions, storeOverTables } from "./store-over-tables.ts";
import type { LeaseRow, Tables } from "./tables.ts";
import { rowsOf, type WritePlan } from "./write-plan.ts";

/** A store that is gone with the process: for one-shot runs, tests and simulations. */
export function openMemoryStore(options: StoreOptions): Store {
  return storeOverTables(memoryTables(options.eventsRetained ?? EVENTS_RETAINED), options);
}

/** Tables of nothing but memory; for what shares them with a store. */
export function memoryTables(eventsRetained: number): Tables {
  const objects = new Map<string, Resource>();
  const records = new Map<string, readonly SpecRecord[]>();
  const inventories = new Map<string, Inventory>();
  const leases = new Map<string, LeaseRow>();
  /** The version at which each object was moved last. */
  const moved = new Map<string, number>();
  const settled = new Map<string, { readonly request: string; readonly version: number }>();
  const events: StoreEvent[] = [];
  /** Version of the newest event that is not kept any more. */
  let oldest = 0;
  const sorted = () => [...objects.values()].sort(compareKeys);
  return {
    // Work decides first and then applies, and applying cannot fail: nothing has to be undone.
    atomically: (work) => work(),
    version: () => oldest + events.length,
    object: (key) => objects.get(keyText(key)),
    objects: ({ kind, namespace }) =>
      sorted().filter(
        (resource) =>
          (kind === undefined || resource.kind === kind) &&
          (namespace === undefined || resource.namespace === namespace),
      ),
    ownerless: () => {
      const alive = new Set([...objects.values()].map(({ uid }) => uid));
      return sorted().filter(
        ({ ownerReferences }) =>
          ownerReferences.length > 0 && !ownerReferences.some(({ uid }) => alive.has(uid)),
      );
    },
    records: (uid) => [...(records.get(uid) ?? [])].reverse(),
    inventory: (source) => inventories.get(source),
    inventories: () => [...inventories.values()].sort((a, b) => (a.source < b.source ? -1 : 1)),
    unmoved: (source, request) => {
      const last = settled.get(source);
      if (last?.request !== request) return [];
      return sorted().filter((object) => (moved.get(keyText(object)) ?? 0) <= last.version);
    },
    oldest: () => oldest,
    events: (since, limit) => events.slice(since - oldest, since - oldest + limit),
    apply: (plan) => {
      keepObjects(plan, objects, records);
      for (const { version, type, resource } of plan.events) {
        if (type === "deleted") moved.delete(keyText(resource));
        else if (!plan.statusOnly.has(version)) moved.set(keyText(resource), version);
      }
      for (const { source, request } of plan.settled)
        settled.set(source, { request, version: plan.version });
      for (const record of plan.records) keepRecord(record, records);
      for (const { source, inventory } of plan.inventories) {
        if (inventory === undefined) inventories.delete(source);
        else inventories.set(source, frozen(inventory));
      }
      for (const event of plan.events) events.push(event);
      oldest += events.splice(0, Math.max(0, events.length - eventsRetained)).length;
      return rowsOf(plan);
    },
    lease: (name) => leases.get(name),
    keepLease: (row) => void leases.set(row.name, row),
  };
}

function keepObjects(
  { events }: WritePlan,
  objects: Map<string, Resource>,
  records: Map<string, readonly SpecRecord[]>,
): void {
  for (const { type, resource } of events) {
    const name = keyText(resource);
    if (type === "deleted") {
      objects.delete(name);
      records.delete(resource.uid);
    } else {
      objects.set(name, frozen(resource));
    }
  }
}

function keepRecord(
  { uid, ...record }: WritePlan["records"][number],
  records: Map<string, readonly SpecRecord[]>,
): void {
  records.set(uid, [...(records.get(uid) ?? []), record].slice(-HISTORY_MAX));
}

/** The value, which nobody can change any more: it is given away as it is. What is frozen already is so in all its parts. */
function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const child of Object.values(value)) frozen(child);
  return Object.freeze(value);
}
