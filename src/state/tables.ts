import type { Resource, ResourceKey, SpecRecord } from "./resource.ts";
import type { Inventory, ObjectMark, StoreEvent } from "./store.ts";
import type { WritePlan } from "./write-plan.ts";

/** A row of the leases. Without a holder it is free, and keeps its epoch for the next one. */
export interface LeaseRow {
  readonly name: string;
  readonly holder: string | null;
  readonly epoch: number;
  /** Grows with each renewal; a reader sees by it that the holder lives. */
  readonly renewals: number;
  readonly ttlMs: number;
}

/**
 * What an embedded driver has to do: keep rows. Everything is decided above it, in `planWrite` and `decideAcquire`.
 * Calls are synchronous, so that nothing can come between the statements of a transaction on a shared connection.
 */
export interface Tables {
  /** Runs the work in one transaction that no other process can come between; nothing of it stays when it throws. */
  atomically<T>(work: () => T): T;
  /** The version of the newest event; 0 when there is none. */
  version(): number;
  object(key: ResourceKey): Resource | undefined;
  /** Sorted by kind, namespace, name. */
  objects(filter: { readonly kind?: string; readonly namespace?: string }): Resource[];
  /** Objects with owners of which none is left, sorted likewise. */
  ownerless(): Resource[];
  /** Newest first. */
  records(uid: string): SpecRecord[];
  inventory(source: string): Inventory | undefined;
  /** Sorted by source. */
  inventories(): Inventory[];
  /** Objects that were not moved since the source settled the request. */
  unmoved(source: string, request: string): ObjectMark[];
  /** The version after which every event is still kept. */
  oldest(): number;
  events(since: number, limit: number): StoreEvent[];
  /** Keeps what was planned, and drops events and specs above the limits. Returns how many rows of the plan were written. */
  apply(plan: WritePlan): number;
  lease(name: string): LeaseRow | undefined;
  keepLease(row: LeaseRow): void;
}
