import type { Database, SqlRow } from "./database.ts";
import type { Inbox, InboxMessage } from "./inbox.ts";
import {
  type InboxOptions,
  type InboxTables,
  inboxOverTables,
  type OutcomeRow,
} from "./inbox-over-tables.ts";
import { migrate } from "./migrations.ts";
import { leaseRow, untilWriteLost } from "./sqlite.ts";

/** The inbox in a database, which it does not own; it may share the connection with a store. */
export function openSqliteInbox(database: Database, options: InboxOptions): Inbox {
  migrate(database);
  return inboxOverTables(sqliteInboxTables(database), options);
}

function sqliteInboxTables(database: Database): InboxTables {
  const run = database.query;
  const messages = (sql: string, value: string) => run(sql, value).map(messageOf);
  return {
    atomically: untilWriteLost(database),
    lease: (name) => leaseRow(database, name),
    message: (id) => messages("SELECT * FROM messages WHERE id = ?", id)[0],
    oldest: (uid) =>
      messages("SELECT * FROM messages WHERE uid = ? ORDER BY position LIMIT 1", uid)[0],
    messages: (uid) => messages("SELECT * FROM messages WHERE uid = ? ORDER BY position", uid),
    count: (uid) =>
      Number(run("SELECT COUNT(*) AS count FROM messages WHERE uid = ?", uid)[0]?.count),
    counts: () =>
      new Map(
        run("SELECT uid, COUNT(*) AS count FROM messages GROUP BY uid").map(({ uid, count }) => [
          String(uid),
          Number(count),
        ]),
      ),
    insert: ({ id, uid, at, from = null, task, attempts }) =>
      void run(
        "INSERT INTO messages (id, uid, at, sender, task, attempts) VALUES (?, ?, ?, ?, ?, ?)",
        id,
        uid,
        at,
        from,
        task,
        attempts,
      ),
    setAttempts: (id, attempts) =>
      void run("UPDATE messages SET attempts = ? WHERE id = ?", attempts, id),
    remove: (id) => void run("DELETE FROM messages WHERE id = ?", id),
    outcome: (id) => run("SELECT * FROM outcomes WHERE message = ?", id).map(outcomeOf)[0],
    keepOutcome: ({ message, uid, atMs, attempts, generation, result }) =>
      void run(
        "INSERT INTO outcomes (message, uid, at_ms, attempts, generation, result) VALUES (?, ?, ?, ?, ?, ?)",
        message,
        uid,
        atMs,
        attempts,
        generation,
        result,
      ),
    pruneOutcomes: (beforeMs, kept) =>
      void run(
        "DELETE FROM outcomes WHERE at_ms < ? OR position <= (SELECT MAX(position) FROM outcomes) - ?",
        beforeMs,
        kept,
      ),
  };
}

function messageOf({ id, uid, at, sender, task, attempts }: SqlRow): InboxMessage {
  return {
    id: String(id),
    uid: String(uid),
    task: String(task),
    ...(sender !== null && { from: String(sender) }),
    at: String(at),
    attempts: Number(attempts),
  };
}

function outcomeOf({ message, uid, at_ms, attempts, generation, result }: SqlRow): OutcomeRow {
  return {
    message: String(message),
    uid: String(uid),
    atMs: Number(at_ms),
    attempts: Number(attempts),
    generation: Number(generation),
    result: String(result),
  };
}
