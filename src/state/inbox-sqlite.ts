import type { Database, SqlRow } from "./database.ts";
import type { DeadLetter, Inbox, InboxMessage } from "./inbox.ts";
import {
  type InboxOptions,
  type InboxTables,
  inboxOverTables,
  type LaneHead,
  type OutcomeRow,
  type WaitingMessage,
} from "./inbox-over-tables.ts";
import { journalRows } from "./journal-rows.ts";
import { migrate } from "./migrations.ts";
import { leaseRow, untilWriteLost } from "./sqlite.ts";
import { tickRowsOf } from "./tick-rows.ts";
import { vaultOfMessage } from "./vaults.ts";

/** The inbox in a database, which it does not own; it may share the connection with a store. */
export function openSqliteInbox(database: Database, options: InboxOptions): Inbox {
  migrate(database);
  return inboxOverTables(sqliteInboxTables(database), options);
}

/** The rows of the inbox, for whoever ends a message in a transaction of its own. */
export function sqliteInboxTables(database: Database): InboxTables {
  const run = database.query;
  const messages = (sql: string, value: string) => run(sql, value).map(messageOf);
  return {
    atomically: untilWriteLost(database),
    ticks: tickRowsOf(database),
    lease: (name) => leaseRow(database, name),
    message: (id) => messages("SELECT * FROM messages WHERE id = ?", id)[0],
    heads: (uid, conversation) =>
      conversation === undefined
        ? run(heads("uid = ?"), uid).map(headOf)
        : run(heads("uid = ? AND conversation = ?"), uid, conversation).map(headOf),
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
    known: ({ id, uid, dedupeKey }) => {
      const byId = run(KNOWN_ID, id)[0]?.id;
      const known = byId ?? (dedupeKey && run(KNOWN_KEY, uid, dedupeKey)[0]?.id);
      return known === undefined ? undefined : String(known);
    },
    countDuplicate: (id) => {
      run("UPDATE messages SET duplicates = duplicates + 1 WHERE id = ?", id);
      run("UPDATE dead_letters SET duplicates = duplicates + 1 WHERE id = ?", id);
      run("UPDATE outcomes SET duplicates = duplicates + 1 WHERE message = ?", id);
    },
    insert: (message) => {
      const { id, uid, at, from = null, task, attempts, conversation } = message;
      const { dedupeKey = null, trigger = null, delivery, notBeforeMs, duplicates } = message;
      run(
        `INSERT INTO messages (id, uid, at, sender, task, attempts, conversation, dedupe_key, woken_by, delivery,
          not_before_ms, duplicates, begun) VALUES (${"?, ".repeat(12)}?)`,
        ...[id, uid, at, from, task, attempts, conversation, dedupeKey, trigger, delivery],
        ...[notBeforeMs, duplicates, Number(message.isBegun)],
      );
    },
    update: ({ id, attempts, delivery, notBeforeMs, duplicates, isBegun }) =>
      void run(
        "UPDATE messages SET (attempts, delivery, not_before_ms, duplicates, begun) = (?, ?, ?, ?, ?) WHERE id = ?",
        ...[attempts, delivery, notBeforeMs, duplicates, Number(isBegun), id],
      ),
    remove: (id) => {
      run("DELETE FROM messages WHERE id = ?", id);
      run("DELETE FROM vaults WHERE run IN (?, ?)", id, vaultOfMessage(id));
    },
    ...deadLetterRows(database),
    ...outcomeRows(database),
  };
}

function deadLetterRows(database: Database): Pick<InboxTables, "dead" | "bury" | "exhume"> {
  const run = database.query;
  const rows = journalRows(database);
  return {
    dead: (uid) =>
      (uid === undefined
        ? run("SELECT * FROM dead_letters ORDER BY position DESC")
        : run("SELECT * FROM dead_letters WHERE uid = ? ORDER BY position DESC", uid)
      ).map(deadLetterOf),
    bury: ({ id }, cause, diedAtMs) => {
      run(
        `INSERT INTO dead_letters (${DEAD_COLUMNS}, cause, died_ms) SELECT ${DEAD_COLUMNS}, ?, ? FROM messages WHERE id = ?`,
        ...[cause, diedAtMs, id],
      );
      run("DELETE FROM messages WHERE id = ?", id);
    },
    exhume: ({ id }) => {
      run("DELETE FROM dead_letters WHERE id = ?", id);
      // Its deliveries count from 1 again, and the runs of those before have used these keys.
      for (const { row, isWhole } of rows.ofMessage(id)) {
        const { key: _, ...keyless } = row;
        if (isWhole && row.status !== "running") rows.update(keyless);
      }
    },
  };
}

function outcomeRows(
  database: Database,
): Pick<InboxTables, "outcome" | "keepOutcome" | "pruneOutcomes"> {
  const run = database.query;
  return {
    outcome: (id) => run("SELECT * FROM outcomes WHERE message = ?", id).map(outcomeOf)[0],
    keepOutcome: (row) => {
      const { message, uid, atMs, attempts, generation, result, dedupeKey = null } = row;
      run(
        `INSERT INTO outcomes (message, uid, at_ms, attempts, generation, result, dedupe_key, duplicates)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[message, uid, atMs, attempts, generation, result, dedupeKey, row.duplicates],
      );
    },
    pruneOutcomes: (beforeMs, kept) =>
      void run(
        "DELETE FROM outcomes WHERE at_ms < ? OR position <= (SELECT MAX(position) FROM outcomes) - ?",
        beforeMs,
        kept,
      ),
  };
}

/** Of the columns that are not grouped, SQLite takes the values of the row that has the MIN. */
function heads(where: string): string {
  return `SELECT id, conversation, not_before_ms, begun, MIN(position) AS position, COUNT(*) AS waiting
    FROM messages WHERE ${where} GROUP BY conversation, sender ORDER BY position`;
}

const KNOWN_ID = `SELECT ?1 AS id WHERE EXISTS (SELECT 1 FROM messages WHERE id = ?1)
  OR EXISTS (SELECT 1 FROM dead_letters WHERE id = ?1) OR EXISTS (SELECT 1 FROM outcomes WHERE message = ?1)`;
const KNOWN_KEY = `SELECT id FROM messages WHERE uid = ?1 AND dedupe_key = ?2
  UNION ALL SELECT id FROM dead_letters WHERE uid = ?1 AND dedupe_key = ?2
  UNION ALL SELECT message FROM outcomes WHERE uid = ?1 AND dedupe_key = ?2`;
const DEAD_COLUMNS =
  "id, uid, at, sender, task, attempts, conversation, dedupe_key, woken_by, delivery, duplicates";

function commonOf(row: SqlRow): Omit<InboxMessage, "notBeforeMs"> {
  const { sender, dedupe_key, woken_by } = row;
  return {
    id: String(row.id),
    uid: String(row.uid),
    task: String(row.task),
    ...(sender !== null && { from: String(sender) }),
    conversation: String(row.conversation),
    ...(dedupe_key !== null && { dedupeKey: String(dedupe_key) }),
    ...(woken_by !== null && { trigger: String(woken_by) as NonNullable<InboxMessage["trigger"]> }),
    at: String(row.at),
    attempts: Number(row.attempts),
    delivery: Number(row.delivery),
    duplicates: Number(row.duplicates),
  };
}

function messageOf(row: SqlRow): WaitingMessage {
  const { not_before_ms, begun } = row;
  return { ...commonOf(row), notBeforeMs: Number(not_before_ms), isBegun: begun === 1 };
}

function deadLetterOf(row: SqlRow): DeadLetter {
  const diedAt = new Date(Number(row.died_ms)).toISOString();
  return { ...commonOf(row), notBeforeMs: 0, cause: String(row.cause), diedAt };
}

function headOf({ id, conversation, not_before_ms, begun, waiting }: SqlRow): LaneHead {
  return {
    id: String(id),
    conversation: String(conversation),
    notBeforeMs: Number(not_before_ms),
    isBegun: begun === 1,
    waiting: Number(waiting),
  };
}

function outcomeOf(row: SqlRow): OutcomeRow {
  const { message, uid, at_ms, attempts, generation, result, dedupe_key, duplicates } = row;
  return {
    message: String(message),
    uid: String(uid),
    atMs: Number(at_ms),
    attempts: Number(attempts),
    duplicates: Number(duplicates),
    generation: Number(generation),
    result: String(result),
    ...(dedupe_key !== null && { dedupeKey: String(dedupe_key) }),
  };
}
