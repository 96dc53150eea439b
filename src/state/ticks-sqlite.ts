import type { Database } from "./database.ts";
import { type DurableOptions, fencedWrites } from "./fenced-writes.ts";
import { migrate } from "./migrations.ts";
import { tickOf, tickRowsOf } from "./tick-rows.ts";
import { TICKS_KEPT, type TickState, type Ticks } from "./ticks.ts";

/** The moments of crons in a database, which it does not own; it may share the connection with an inbox. Without a fence several processes may use it at once. */
export function openSqliteTicks(database: Database, { clock, fence }: DurableOptions): Ticks {
  migrate(database);
  const write = fencedWrites(database, fence);
  const rows = tickRowsOf(database);
  const run = database.query;
  return {
    async record(uid) {
      return rows.record(uid);
    },
    async keep({ uid, decidedMs, runs, paused, schedule }) {
      return write(() => {
        const known = rows.record(uid);
        const pause = paused === undefined ? known?.paused : paused;
        run(
          "INSERT OR REPLACE INTO crons VALUES (?, ?, ?, ?, ?)",
          uid,
          // What was decided stays decided.
          Math.max(known?.decidedMs ?? 0, decidedMs ?? 0),
          runs ?? known?.runs ?? 0,
          pause == null ? null : JSON.stringify(pause),
          schedule ?? known?.schedule ?? null,
        );
        return rows.record(uid) ?? { uid, decidedMs: 0, runs: 0 };
      });
    },
    async take(tick) {
      return write(() => rows.take(tick, clock.now()));
    },
    async end(uid, atMs, { state, reason = null }) {
      write(() =>
        run(
          "UPDATE ticks SET state = ?, reason = ?, ended_ms = ? WHERE uid = ? AND at_ms = ? AND state IN ('waiting', 'started')",
          ...[state, reason, clock.now(), uid, atMs],
        ),
      );
    },
    async list(uid, { limit, states } = {}) {
      // Those that wait or run are all there, however many they are.
      const all = limit ?? (states === undefined ? TICKS_KEPT : -1);
      return run(
        `SELECT * FROM ticks WHERE uid = ? AND ${within(states)} ORDER BY at_ms DESC LIMIT ?`,
        ...[uid, ...(states ?? []), all],
      ).map(tickOf);
    },
    async forget(uid) {
      write(() => {
        run("DELETE FROM crons WHERE uid = ?", uid);
        run("DELETE FROM ticks WHERE uid = ?", uid);
      });
    },
  };
}

function within(states: readonly TickState[] | undefined): string {
  return states === undefined ? "TRUE" : `state IN (${states.map(() => "?").join(", ")})`;
}
