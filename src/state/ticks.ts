/** waiting: it runs when the one before has ended. skipped: an earlier one still ran. missed: it went by, and is not caught up. dropped: the agent took no more. */
export type TickState =
  | "waiting"
  | "started"
  | "ok"
  | "failed"
  | "cancelled"
  | "skipped"
  | "missed"
  | "dropped";

/** One moment of a cron that something came of. */
export interface Tick {
  /** Of the Cron object. */
  readonly uid: string;
  /** The moment that was due, wall milliseconds; of one that a person asked for the moment of that. */
  readonly atMs: number;
  readonly by: "schedule" | "catchup" | "person";
  readonly state: TickState;
  /** The message that the agent got. */
  readonly message?: string;
  /** When it was started, and when it came to its end; wall milliseconds. */
  readonly startedMs?: number;
  readonly endedMs?: number;
  /** Why it failed, or was not run. */
  readonly reason?: string;
}

/** What is known of a cron as a whole. */
export interface CronRecord {
  readonly uid: string;
  /** Everything of the schedule up to here is decided: it never runs again. Wall milliseconds. */
  readonly decidedMs: number;
  /** Runs that were started, for maxRuns. */
  readonly runs: number;
  /** What its moments depend on: everything up to `decidedMs` was decided by it. */
  readonly schedule?: string;
  /** Why it pauses, where it does, and of which generation. */
  readonly paused?: { readonly reason: string; readonly generation: number; readonly at: string };
}

/**
 * The moments of crons, each of which is taken once by one of all processes that share the store. Failures are LegionErrors
 * with LEG60xx. A tick whose message goes to an inbox is taken in the transaction that keeps the message: see NewMessage.tick.
 */
export interface Ticks {
  record(uid: string): Promise<CronRecord | undefined>;
  /** Creates or changes a record; what is left out stays. What was decided stays decided. `paused: null` ends a pause. */
  keep(
    record: Pick<CronRecord, "uid"> &
      Partial<Omit<CronRecord, "paused">> & { readonly paused?: CronRecord["paused"] | null },
  ): Promise<CronRecord>;
  /** Takes a tick, with all that is decided up to it (`decidedMs`), in one transaction; false when another has taken it, the schedule was decided beyond it, or there is no record of the cron. One that waits may be started. */
  take(
    tick: Pick<Tick, "uid" | "atMs" | "by" | "state" | "reason"> & { readonly decidedMs?: number },
  ): Promise<boolean>;
  /** How one that was started or waited came to its end. */
  end(
    uid: string,
    atMs: number,
    end: { readonly state: TickState; readonly reason?: string },
  ): Promise<void>;
  /** Newest first; of given states all of them unless there is a limit. */
  list(
    uid: string,
    options?: { readonly limit?: number; readonly states?: readonly TickState[] },
  ): Promise<readonly Tick[]>;
  forget(uid: string): Promise<void>;
}

/** What keeping a message takes a tick with. */
export interface TickClaim {
  /** Of the Cron object. */
  readonly uid: string;
  readonly atMs: number;
  readonly by: Tick["by"];
}

/** Ticks of one cron that are kept; older ones go, except those that wait or run. */
export const TICKS_KEPT = 500;
