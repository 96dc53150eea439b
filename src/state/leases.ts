import type { Clock } from "../lib/clock.ts";
import type { Fence, Lease, Leases } from "./store.ts";
import { FencedError } from "./store-errors.ts";
import type { LeaseRow, Tables } from "./tables.ts";

/** When this process first saw a renewal of a lease that another holds. */
export interface Sighting {
  readonly epoch: number;
  readonly renewals: number;
  readonly atMs: number;
}

export interface LeaseWish {
  readonly name: string;
  readonly holder: string;
  readonly ttlMs: number;
  readonly takeover?: { readonly epoch: number } | undefined;
}

/** Either the row to keep, or what to remember of the holder in the way. */
export type AcquireDecision =
  | { readonly keep: LeaseRow }
  | { readonly keep?: never; readonly sighting: Sighting; readonly row: LeaseRow };

/** Whether a lease can be had. Time is monotonic and the asker's own. */
export function decideAcquire(
  row: LeaseRow | undefined,
  { name, holder, ttlMs, takeover }: LeaseWish,
  seen: Sighting | undefined,
  nowMs: number,
): AcquireDecision {
  if (row === undefined) return { keep: { name, holder, epoch: 1, renewals: 0, ttlMs } };
  if (row.holder === holder) return { keep: { ...row, ttlMs, renewals: row.renewals + 1 } };
  const mine = { name, holder, epoch: row.epoch + 1, renewals: 0, ttlMs };
  if (row.holder === null || takeover?.epoch === row.epoch) return { keep: mine };
  const same = seen?.epoch === row.epoch && seen.renewals === row.renewals;
  if (seen === undefined || !same) {
    const { epoch, renewals } = row;
    return { sighting: { epoch, renewals, atMs: nowMs }, row };
  }
  return nowMs - seen.atMs >= row.ttlMs ? { keep: mine } : { sighting: seen, row };
}

/** Throws a FencedError when the lease is not of that epoch any more. To be called inside the transaction that it guards. */
export function checkFence(tables: Pick<Tables, "lease">, fence: Fence): LeaseRow {
  const row = tables.lease(fence.lease);
  if (row === undefined || row.holder === null || row.epoch !== fence.epoch) {
    throw new FencedError(fence, row?.epoch ?? 0);
  }
  return row;
}

/** The leases that are kept in some tables. */
export function leasesOver(tables: Tables, clock: Clock): Leases {
  const sightings = new Map<string, Sighting>();
  return {
    async acquire(name, holder, ttlMs, takeover) {
      const wish = { name, holder, ttlMs, takeover };
      const decision = tables.atomically(() => {
        const decided = decideAcquire(
          tables.lease(name),
          wish,
          sightings.get(name),
          clock.monotonic(),
        );
        if (decided.keep !== undefined) tables.keepLease(decided.keep);
        return decided;
      });
      if (decision.keep === undefined) {
        sightings.set(name, decision.sighting);
        return { acquired: false, lease: leaseOf(decision.row, decision.row.holder ?? "") };
      }
      sightings.delete(name);
      return { acquired: true, lease: leaseOf(decision.keep, holder) };
    },
    async renew({ name, epoch }) {
      tables.atomically(() => {
        const row = checkFence(tables, { lease: name, epoch });
        tables.keepLease({ ...row, renewals: row.renewals + 1 });
      });
    },
    async release({ name, epoch }) {
      tables.atomically(() => {
        const row = tables.lease(name);
        if (row?.epoch === epoch) tables.keepLease({ ...row, holder: null });
      });
    },
    async read(name) {
      const row = tables.lease(name);
      return row === undefined || row.holder === null ? undefined : leaseOf(row, row.holder);
    },
  };
}

function leaseOf({ name, epoch, renewals, ttlMs }: LeaseRow, holder: string): Lease {
  return { name, holder, epoch, renewals, ttlMs };
}
