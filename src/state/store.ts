import type { JsonObject } from "../lib/json.ts";
import type {
  Managers,
  Origin,
  OwnerReference,
  Resource,
  ResourceKey,
  SpecRecord,
} from "./resource.ts";
import type { LabelSelector } from "./selector.ts";

/** What an object must be before a change: at this resourceVersion, or not there. */
export type Expectation = number | "absent";

/** Creates an object or makes it say this. Parts that may be left out stay as they are. */
export interface PutChange {
  readonly type: "put";
  readonly key: ResourceKey;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: JsonObject;
  readonly origin?: Origin;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managers?: Managers;
  /** Who writes; the history names it. */
  readonly manager: string;
  readonly expect?: Expectation;
}

/** Removes an object, or marks it when finalizers have to run first. Nothing happens when there is none. */
export interface DeleteChange {
  readonly type: "delete";
  readonly key: ResourceKey;
  readonly expect?: number;
}

/** Replaces the status. The generation stays. */
export interface StatusChange {
  readonly type: "status";
  readonly key: ResourceKey;
  readonly status: JsonObject;
  readonly expect?: number;
}

/** Takes one finalizer away; the object goes with the last one when it is being deleted. Nothing happens when there is none. */
export interface FinalizeChange {
  readonly type: "finalize";
  readonly key: ResourceKey;
  readonly finalizer: string;
}

/** Replaces what a source applied; without an inventory it is forgotten. */
export interface InventoryChange {
  readonly type: "inventory";
  readonly source: string;
  readonly inventory?: Omit<Inventory, "source">;
}

/**
 * Remembers that this write leaves all objects of a request as the request has them, so that the next one need not read
 * them. A write that changes nothing else does not change this either.
 */
export interface SettledChange {
  readonly type: "settled";
  readonly source: string;
  /** Digest of the request. */
  readonly request: string;
}

export type ObjectChange = PutChange | DeleteChange | StatusChange | FinalizeChange;
export type StoreChange = ObjectChange | InventoryChange | SettledChange;

/** An object without its content. */
export interface ObjectMark extends ResourceKey {
  readonly generation: number;
  readonly resourceVersion: number;
}

/** What a source applied, so that what is gone from it can be pruned. */
export interface Inventory {
  readonly source: string;
  readonly keys: readonly ResourceKey[];
  /** Digest of the set of manifests. */
  readonly digest: string;
  /** The revision that was applied last, and the one that was tried last. */
  readonly applied?: string;
  readonly attempted: string;
}

/** Proof of ownership that a write carries: it fails when the lease has another epoch by then. */
export interface Fence {
  readonly lease: string;
  readonly epoch: number;
}

export interface WriteOptions {
  /** Wall time of the write, milliseconds since 1970. */
  readonly at: number;
  readonly fence?: Fence;
}

export interface WriteResult {
  /** The store's version after the write; as before it when nothing changed. */
  readonly version: number;
  /** Rows inserted, replaced or deleted; 0 when nothing changed. */
  readonly rowsWritten: number;
  /** What changed, in order of version. */
  readonly events: readonly StoreEvent[];
}

/** One change of one object. Versions have no gaps: each event is one step of the store's version. */
export interface StoreEvent {
  readonly version: number;
  readonly type: "added" | "modified" | "deleted";
  /** The object after the change; its last state when it was deleted. */
  readonly resource: Resource;
}

export interface ChangePage {
  readonly events: readonly StoreEvent[];
  /** Where to go on from. */
  readonly version: number;
}

export interface ListOptions {
  readonly kind?: string;
  readonly namespace?: string;
  readonly labels?: LabelSelector;
}

/** A lease as it stands. The epoch grows with each change of holder and never falls. */
export interface Lease {
  readonly name: string;
  /** Identifies one holder for all time: a restarted process is another one. */
  readonly holder: string;
  readonly epoch: number;
  /** Grows with each renewal of the epoch: whoever sees it grow knows that the holder lives. */
  readonly renewals: number;
  readonly ttlMs: number;
}

/** A lease that could not be had comes with the one that stands in the way. */
export type LeaseOutcome =
  | { readonly acquired: true; readonly lease: Lease }
  | { readonly acquired: false; readonly lease: Lease };

/**
 * Ownership for a time. No wall clock is read and none is compared between machines: whoever wants a lease counts
 * the time since it first saw the present renewal, on its own monotonic clock, and may take the lease when a whole ttl
 * passed without another renewal. A step of the clock therefore ends no lease (R08), and a newcomer waits one ttl.
 */
export interface Leases {
  /** Takes a lease that is free, its own, or not renewed for its ttl; `takeover` takes it from that epoch at once, for a caller that knows the holder dead. */
  acquire(
    name: string,
    holder: string,
    ttlMs: number,
    takeover?: { readonly epoch: number },
  ): Promise<LeaseOutcome>;
  /** Shows that the holder lives. A FencedError (LEG6022) when the lease is another's. */
  renew(lease: Lease): Promise<void>;
  /** Gives it back; does nothing when it is another's. */
  release(lease: Lease): Promise<void>;
  /** The lease and who has it; undefined when it is free. */
  read(name: string): Promise<Lease | undefined>;
}

/** The objects of a Legion. Failures are LegionErrors with LEG60xx; lists are sorted by kind, namespace, name. */
export interface Store {
  read(key: ResourceKey): Promise<Resource | undefined>;
  list(options?: ListOptions): Promise<readonly Resource[]>;
  /**
   * All or nothing, on disk when the promise resolves. Later changes see what earlier ones of the same write did.
   * A ConflictError (LEG6021) names everything that moved, a FencedError (LEG6022) the epoch that is over.
   */
  write(changes: readonly StoreChange[], options: WriteOptions): Promise<WriteResult>;
  /** Objects that have owners of which none is left, not yet being deleted. Deleting an owner does not delete them: the caller does. */
  orphans(): Promise<readonly Resource[]>;
  inventory(source: string): Promise<Inventory | undefined>;
  inventories(): Promise<readonly Inventory[]>;
  /**
   * The objects of which nothing but the status changed since the write that settled this request of a source; none
   * when the source settled another one last. It costs far less than a list.
   */
  unmoved(source: string, request: string): Promise<readonly ObjectMark[]>;
  /** Specs of a living object, newest first, at most five, the present one included. Going back is a put by the caller. */
  history(key: ResourceKey): Promise<readonly SpecRecord[]>;
  /** The store's version; 0 at first. To follow the store: ask the version, then list, then watch from that version. */
  version(): Promise<number>;
  /** Every change after a version, oldest first. A TooOldError (LEG6023) when the log does not go back so far. */
  changes(since: number, limit: number): Promise<ChangePage>;
  /**
   * The changes after a version and then each new one, until the signal is aborted, which ends it without an error.
   * A slow reader gets only the newest of several changes of an object. A TooOldError says to list again.
   */
  watch(since: number, signal: AbortSignal): AsyncGenerator<StoreEvent, void, undefined>;
  readonly leases: Leases;
}

/** Changes in one write. */
export const CHANGES_PER_WRITE_MAX = 16_384;
/** Events that the log keeps; more than one write can make, so that a reader at the head never falls off. */
export const EVENTS_RETAINED = 32_768;
/** Events in one page of changes. */
export const CHANGES_PAGE_MAX = 1_000;
/** JSON text of a put, or of a status. */
export const RESOURCE_BYTES_MAX = 1024 * 1024;
/** Levels of a spec or a status. */
export const RESOURCE_DEPTH_MAX = 100;
/** Keys in the inventory of one source. */
export const INVENTORY_KEYS_MAX = 100_000;
/** Specs that are kept of one object. */
export const HISTORY_MAX = 5;
