import { isDeepStrictEqual } from "node:util";
import { type StepContext, stepObject } from "./object-steps.ts";
import { keyText, type Resource, type ResourceKey, type SpecRecord } from "./resource.ts";
import {
  CHANGES_PER_WRITE_MAX,
  INVENTORY_KEYS_MAX,
  type Inventory,
  type InventoryChange,
  type ObjectChange,
  type SettledChange,
  type StoreChange,
  type StoreEvent,
} from "./store.ts";
import { type Conflict, ConflictError, tooLarge } from "./store-errors.ts";

/** What a plan is made from; a driver whose reads wait fills it before it plans. */
export interface WriteReader {
  readonly version: number;
  object(key: ResourceKey): Resource | undefined;
  inventory(source: string): Inventory | undefined;
}

/** What a write comes to: the rows that a driver has to keep. Empty lists when nothing changed. */
export interface WritePlan {
  /** The store's version after it. */
  readonly version: number;
  /** In order. An object is replaced by each `added` or `modified`, and removed by each `deleted`, with its history. */
  readonly events: readonly StoreEvent[];
  /** The versions of the events that changed a status and nothing else; all others move their object. */
  readonly statusOnly: ReadonlySet<number>;
  readonly records: readonly (SpecRecord & { readonly uid: string })[];
  /** The requests that are settled at the version of the plan. */
  readonly settled: readonly Pick<SettledChange, "source" | "request">[];
  /** Undefined inventories are forgotten. */
  readonly inventories: readonly {
    readonly source: string;
    readonly inventory: Inventory | undefined;
  }[];
}

/** How many rows a plan writes: two an event, the event's own and the object's. */
export function rowsOf({ events, records, inventories, settled }: WritePlan): number {
  return events.length * 2 + records.length + inventories.length + settled.length;
}

/** One object during a write. */
interface Draft {
  readonly before: Resource | undefined;
  after: Resource | undefined;
  /** The last state of `before`, when it went. */
  removed: Resource | undefined;
  isStatusOnly: boolean;
  records: WritePlan["records"];
}

/** Decides a whole write and does nothing. A ConflictError names all objects that are not as expected. */
export function planWrite(
  reader: WriteReader,
  changes: readonly StoreChange[],
  context: StepContext,
): WritePlan {
  if (changes.length > CHANGES_PER_WRITE_MAX) {
    throw tooLarge(`the write has ${changes.length} changes`, `${CHANGES_PER_WRITE_MAX}`);
  }
  const drafts = new Map<string, Draft>();
  const inventories = new Map<string, Inventory | undefined>();
  const settled = new Map<string, string>();
  const conflicts: Conflict[] = [];
  for (const change of changes) {
    if (change.type === "inventory") {
      inventories.set(change.source, changedInventory(change));
      continue;
    }
    if (change.type === "settled") {
      settled.set(change.source, change.request);
      continue;
    }
    const conflict = advance(draftOf(drafts, reader, change.key), change, context);
    if (conflict !== undefined) conflicts.push(conflict);
  }
  if (conflicts.length > 0) throw new ConflictError(conflicts);
  const { events, statusOnly } = eventsOf(drafts.values(), reader.version);
  const changed = [...inventories]
    .map(([source, inventory]) => ({ source, inventory }))
    .filter(({ source, inventory }) => !isDeepStrictEqual(reader.inventory(source), inventory));
  const isNothing = events.length + changed.length === 0;
  return {
    version: reader.version + events.length,
    events,
    statusOnly,
    records: [...drafts.values()].flatMap(({ records }) => records),
    settled: isNothing ? [] : [...settled].map(([source, request]) => ({ source, request })),
    inventories: changed,
  };
}

function draftOf(drafts: Map<string, Draft>, reader: WriteReader, key: ResourceKey): Draft {
  const name = keyText(key);
  const known = drafts.get(name);
  if (known !== undefined) return known;
  const before = reader.object(key);
  const draft: Draft = {
    before,
    after: before,
    removed: undefined,
    isStatusOnly: true,
    records: [],
  };
  drafts.set(name, draft);
  return draft;
}

function advance(draft: Draft, change: ObjectChange, context: StepContext): Conflict | undefined {
  const { conflict, next } = { next: undefined, ...stepObject(draft.after, change, context) };
  if (conflict !== undefined) return conflict;
  const { after } = draft;
  if (next === undefined) {
    // Only what was there before the write can have been seen by others.
    if (draft.before !== undefined) draft.removed ??= after;
    draft.records = [];
  } else if (next.uid !== after?.uid || next.generation !== after.generation) {
    const { uid, generation, spec } = next;
    const manager = change.type === "put" ? change.manager : "";
    draft.records = [...draft.records, { uid, generation, at: context.at, manager, spec }];
  }
  draft.after = next;
  if (change.type !== "status") draft.isStatusOnly = false;
  return undefined;
}

function eventsOf(
  drafts: Iterable<Draft>,
  versionBefore: number,
): Pick<WritePlan, "events" | "statusOnly"> {
  const events: StoreEvent[] = [];
  const statusOnly = new Set<number>();
  const push = (type: StoreEvent["type"], resource: Resource) => {
    const version = versionBefore + events.length + 1;
    events.push({ version, type, resource: { ...resource, resourceVersion: version } });
  };
  for (const { before, after, removed, isStatusOnly } of drafts) {
    if (removed !== undefined) push("deleted", removed);
    if (after === undefined) continue;
    if (after.uid !== before?.uid) push("added", after);
    else if (after !== before && !isDeepStrictEqual(after, before)) {
      push("modified", after);
      if (isStatusOnly) statusOnly.add(versionBefore + events.length);
    }
  }
  return { events, statusOnly };
}

function changedInventory({ source, inventory }: InventoryChange): Inventory | undefined {
  if (inventory === undefined) return undefined;
  if (inventory.keys.length > INVENTORY_KEYS_MAX) {
    const what = `the inventory of "${source}" has ${inventory.keys.length} keys`;
    throw tooLarge(what, `${INVENTORY_KEYS_MAX}`);
  }
  return JSON.parse(JSON.stringify({ ...inventory, source })) as Inventory;
}
