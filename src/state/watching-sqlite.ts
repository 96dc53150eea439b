import type { JsonObject } from "../lib/json.ts";
import type { Database } from "./database.ts";
import { type DurableOptions, fencedWrites } from "./fenced-writes.ts";
import { migrate } from "./migrations.ts";
import { keyText } from "./resource.ts";
import { parsed } from "./sqlite-rows.ts";
import type { Silence, Watching } from "./watching.ts";

/** What watchers know, in a database that it does not own. */
export function openSqliteWatching(database: Database, { clock, fence }: DurableOptions): Watching {
  migrate(database);
  const write = fencedWrites(database, fence);
  const run = database.query;
  return {
    async read(uid) {
      const row = run("SELECT body FROM watchers WHERE uid = ?", uid)[0];
      return row && parsed<JsonObject>(row.body, database.file);
    },
    async write(rows) {
      if (rows.length === 0) return;
      const bodies = rows.map(({ uid, state }) => [uid, JSON.stringify(state)] as const);
      write(() => {
        for (const [uid, body] of bodies)
          run("INSERT OR REPLACE INTO watchers VALUES (?, ?)", uid, body);
      });
    },
    async forget(uid) {
      write(() => run("DELETE FROM watchers WHERE uid IN (?, ?)", uid, `call/${uid}`));
    },
    async silences() {
      const sql = "SELECT body FROM silences WHERE until_ms > ? ORDER BY id";
      return run(sql, clock.now()).map(({ body }) => parsed<Silence>(body, database.file));
    },
    async silence(silence) {
      const { id, watcher, until } = silence;
      write(() => {
        run("DELETE FROM silences WHERE until_ms <= ?", clock.now());
        run(
          "INSERT OR REPLACE INTO silences VALUES (?, ?, ?, ?)",
          ...[id, keyText(watcher), Date.parse(until), JSON.stringify(silence)],
        );
      });
    },
    async unsilence(id) {
      return write(() => run("DELETE FROM silences WHERE id = ? RETURNING 1", id).length > 0);
    },
  };
}
