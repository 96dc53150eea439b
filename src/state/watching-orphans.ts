import type { Database } from "./database.ts";
import { type DurableOptions, fencedWrites } from "./fenced-writes.ts";
import { migrate } from "./migrations.ts";

/** Rows of groups of watchers are known by a name, not by a uid. */
const GROUPS = "group/";
const CALLS = "call/";

/** Forgets what is kept of watchers and crons that are there no more: they were deleted while no daemon ran. Gives how many rows went. */
export function forgetOrphans(
  database: Database,
  { fence }: Pick<DurableOptions, "fence">,
  living: ReadonlySet<string>,
): number {
  migrate(database);
  const run = database.query;
  const orphans = (sql: string) =>
    run(sql)
      .map(({ uid }) => String(uid))
      .filter((uid) => !uid.startsWith(GROUPS) && !living.has(uid.replace(CALLS, "")));
  const found = [
    ["watchers", orphans("SELECT uid FROM watchers")],
    ["crons", orphans("SELECT uid FROM crons")],
    ["ticks", orphans("SELECT DISTINCT uid FROM ticks")],
  ] as const;
  const count = found.reduce((sum, [, uids]) => sum + uids.length, 0);
  if (count === 0) return 0;
  fencedWrites(
    database,
    fence,
  )(() => {
    for (const [table, uids] of found)
      for (const uid of uids) run(`DELETE FROM ${table} WHERE uid = ?`, uid);
  });
  return count;
}
