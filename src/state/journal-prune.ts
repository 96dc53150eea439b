import { setImmediate as nextTick } from "node:timers/promises";
import type { Database, SqlRow } from "./database.ts";
import type { Journal } from "./journal.ts";
import type { JournalParts } from "./journal-steps.ts";

/** Runs that are forgotten in one transaction; other work comes between two of them. */
const PRUNED_AT_ONCE = 50;
/** How long it is known what runs have spent, longer than their steps. */
const SPENDING_KEPT_MS = 35 * 24 * 60 * 60 * 1000;

/** Those that nobody has forgotten, though their message or run is over. */
const FORGET_VAULTS = `DELETE FROM vaults WHERE kept_ms < ?
  AND run NOT IN (SELECT run FROM runs WHERE status = 'running')
  AND run NOT IN (SELECT 'message/' || id FROM messages UNION ALL SELECT 'message/' || id FROM dead_letters)`;

/** Forgets runs that ended long ago, those above the limit of each agent, and blobs that no run uses any more. */
export async function pruneRuns(
  { database, rows, blobs, write, now }: JournalParts,
  { beforeMs, keptPerAgent }: Parameters<Journal["prune"]>[0],
): Promise<number> {
  const runs = [
    ...database.query("SELECT run FROM runs WHERE ended_ms < ?", beforeMs),
    ...surplus(database, keptPerAgent),
  ];
  const ids = [...new Set(runs.map(({ run }) => String(run)))];
  for (let at = 0; at < ids.length; at += PRUNED_AT_ONCE) {
    write(() => {
      for (const run of ids.slice(at, at + PRUNED_AT_ONCE)) rows.remove(run);
    });
    await nextTick();
  }
  write(() => {
    blobs.prune(beforeMs);
    database.query("DELETE FROM spending WHERE at_ms < ?", now() - SPENDING_KEPT_MS);
    database.query(FORGET_VAULTS, beforeMs);
  });
  return ids.length;
}

/** Of each agent with too many ended runs the oldest ones. */
function surplus(database: Database, kept: number): SqlRow[] {
  const agents = database.query(
    "SELECT uid, COUNT(ended_ms) AS count FROM runs GROUP BY uid HAVING COUNT(ended_ms) > ?",
    kept,
  );
  return agents.flatMap(({ uid, count }) =>
    database.query(
      "SELECT run FROM runs WHERE uid = ? AND ended_ms IS NOT NULL ORDER BY ended_ms, position LIMIT ?",
      String(uid),
      Number(count) - kept,
    ),
  );
}

export function spentSince(database: Database, uid: string, sinceMs: number) {
  const row = database.query(
    "SELECT COUNT(*) AS turns, COALESCE(SUM(tokens), 0) AS tokens FROM spending WHERE uid = ? AND at_ms >= ?",
    uid,
    sinceMs,
  )[0];
  return { tokens: Number(row?.tokens), turns: Number(row?.turns) };
}
