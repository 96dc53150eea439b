import type { Database, SqlRow } from "./database.ts";
import { parsed } from "./sqlite-rows.ts";
import { type CronRecord, TICKS_KEPT, type Tick, type TickClaim, type Ticks } from "./ticks.ts";

/** What is taken: a tick, how it stands from now on, and the message that was kept with it. */
export type TickTaken = Parameters<Ticks["take"]>[0] & Pick<Tick, "message">;

/** The rows of ticks, for whoever takes one in a transaction of its own. Calls are synchronous. */
export interface TickRows {
  record(uid: string): CronRecord | undefined;
  tick(uid: string, atMs: number): Tick | undefined;
  /** False when somebody has it, or the cron is not known any more. */
  take(taken: TickTaken, nowMs: number): boolean;
}

/** The rows of ticks in a database. */
export function tickRowsOf(database: Database): TickRows {
  const run = database.query;
  const record = (uid: string) =>
    run("SELECT * FROM crons WHERE uid = ?", uid).map((row) => recordOf(row, database.file))[0];
  const tick = (uid: string, atMs: number) =>
    run("SELECT * FROM ticks WHERE uid = ? AND at_ms = ?", uid, atMs).map(tickOf)[0];
  return {
    record,
    tick,
    take(taken, nowMs) {
      const { uid, atMs, by, state, message = null, reason = null } = taken;
      const cron = record(uid);
      if (cron === undefined || !isFree(taken, cron, tick(uid, atMs))) return false;
      const startedMs = state === "started" ? nowMs : null;
      const endedMs = state === "started" || state === "waiting" ? null : nowMs;
      run(
        "INSERT OR REPLACE INTO ticks VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        ...[uid, atMs, by, state, message, startedMs, endedMs, reason],
      );
      // A moment that a person asked for is none of the schedule.
      const decidedMs = taken.decidedMs ?? (by === "person" ? 0 : atMs);
      run(
        "UPDATE crons SET decided_ms = MAX(decided_ms, ?), runs = runs + ? WHERE uid = ?",
        ...[decidedMs, Number(state === "started"), uid],
      );
      run(PRUNE, uid, uid, TICKS_KEPT - 1);
      return true;
    },
  };
}

/** Ticks of the schedule that were decided have no row any more when they are old: what stands in the record counts. */
function isFree(
  { by, atMs, state }: TickTaken,
  cron: CronRecord,
  known: Tick | undefined,
): boolean {
  if (known !== undefined) return known.state === "waiting" && state === "started";
  return by === "person" || atMs > cron.decidedMs;
}

/** The claim as what is taken when its message is kept. */
export function startedBy({ uid, atMs, by }: TickClaim, message: string): TickTaken {
  return { uid, atMs, by, state: "started", message };
}

const PRUNE = `DELETE FROM ticks WHERE uid = ? AND state NOT IN ('waiting', 'started') AND at_ms <
  (SELECT at_ms FROM ticks WHERE uid = ? ORDER BY at_ms DESC LIMIT 1 OFFSET ?)`;

function recordOf({ uid, decided_ms, runs, paused, schedule }: SqlRow, file: string): CronRecord {
  return {
    uid: String(uid),
    decidedMs: Number(decided_ms),
    runs: Number(runs),
    ...(schedule !== null && { schedule: String(schedule) }),
    ...(paused !== null && { paused: parsed<NonNullable<CronRecord["paused"]>>(paused, file) }),
  };
}

/** A row as a tick; what is null is left out. */
export function tickOf(row: SqlRow): Tick {
  const { uid, at_ms, woken_by, state, message, started_ms, ended_ms, reason } = row;
  return {
    uid: String(uid),
    atMs: Number(at_ms),
    by: String(woken_by) as Tick["by"],
    state: String(state) as Tick["state"],
    ...(message !== null && { message: String(message) }),
    ...(started_ms !== null && { startedMs: Number(started_ms) }),
    ...(ended_ms !== null && { endedMs: Number(ended_ms) }),
    ...(reason !== null && { reason: String(reason) }),
  };
}
