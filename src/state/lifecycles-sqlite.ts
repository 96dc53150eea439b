import type { Database, SqlRow } from "./database.ts";
import { type DurableOptions, fencedWrites } from "./fenced-writes.ts";
import { conversationsOf } from "./journal-conversations.ts";
import {
  GRAVES_KEPT,
  type Grave,
  type Lifecycle,
  type LifecycleState,
  type Lifecycles,
} from "./lifecycles.ts";
import { migrate } from "./migrations.ts";
import { parsed } from "./sqlite-rows.ts";

/** The states of agents in a database, which it does not own; it may share the connection with a journal. */
export function openSqliteLifecycles(
  database: Database,
  { clock, fence }: DurableOptions,
): Lifecycles {
  migrate(database);
  const write = fencedWrites(database, fence);
  const run = database.query;
  const conversations = conversationsOf(database);
  const now = () => new Date(clock.now()).toISOString();
  const graves = (sql: string, ...values: string[]) =>
    run(sql, ...values).map(({ body }) => parsed<Grave>(body, database.file));
  return {
    async read(uid) {
      return run("SELECT * FROM lifecycles WHERE uid = ?", uid).map(lifecycleOf)[0];
    },
    async all() {
      return run("SELECT * FROM lifecycles ORDER BY uid").map(lifecycleOf);
    },
    async set(wanted) {
      const lifecycle = { ...wanted, at: now() };
      const { uid, state, reason, actor, at } = lifecycle;
      const sql = "INSERT OR REPLACE INTO lifecycles VALUES (?, ?, ?, ?, ?)";
      write(() => run(sql, uid, state, reason, actor, at));
      return lifecycle;
    },
    async forget(uid) {
      write(() => run("DELETE FROM lifecycles WHERE uid = ?", uid));
    },
    async bury(wanted) {
      const grave: Grave = { ...wanted, buriedAt: now() };
      write(() => {
        // The newest one is what is dug up, so the one before goes.
        run("DELETE FROM graves WHERE uid = ?", grave.uid);
        run("INSERT INTO graves (uid, body) VALUES (?, ?)", grave.uid, JSON.stringify(grave));
        for (const uid of forgotten(database)) conversations.forgetAll(uid);
      });
    },
    async graves() {
      return graves("SELECT body FROM graves ORDER BY position DESC");
    },
    async grave(uid) {
      return graves("SELECT body FROM graves WHERE uid = ?", uid)[0];
    },
    async exhume(uid, toUid) {
      return write(() => {
        const found = run("DELETE FROM graves WHERE uid = ? RETURNING 1", uid).length > 0;
        if (found && uid !== toUid) conversations.move(uid, toUid);
        return found;
      });
    },
  };
}

/** Takes away the oldest graves above the limit and gives the uids of their agents. */
function forgotten(database: Database): string[] {
  return database
    .query(
      "DELETE FROM graves WHERE position NOT IN (SELECT position FROM graves ORDER BY position DESC LIMIT ?) RETURNING uid",
      GRAVES_KEPT,
    )
    .map(({ uid }) => String(uid));
}

function lifecycleOf({ uid, state, reason, actor, at }: SqlRow): Lifecycle {
  return {
    uid: String(uid),
    state: String(state) as LifecycleState,
    reason: String(reason),
    actor: String(actor),
    at: String(at),
  };
}
