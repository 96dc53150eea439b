import type { Clock } from "../lib/clock.ts";
import type { Database } from "./database.ts";
import { checkFence } from "./leases.ts";
import { leaseRow, untilWriteLost } from "./sqlite.ts";
import type { Fence } from "./store.ts";

/** What everything that is kept in the database is opened with. */
export interface DurableOptions {
  readonly clock: Clock;
  /** Every write fails with a FencedError (LEG6022) once this is over. */
  readonly fence?: Fence;
}

/** Transactions of a process that owns the folder: each looks at the fence first. */
export function fencedWrites(
  database: Database,
  fence: Fence | undefined,
): <T>(work: () => T) => T {
  const atomically = untilWriteLost(database);
  const leases = { lease: (name: string) => leaseRow(database, name) };
  return (work) =>
    atomically(() => {
      if (fence !== undefined) checkFence(leases, fence);
      return work();
    });
}
