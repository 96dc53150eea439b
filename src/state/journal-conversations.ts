import { LegionError } from "../lib/errors.ts";
import type { JsonObject } from "../lib/json.ts";
import type { Database, SqlRow } from "./database.ts";
import type { ConversationCommit, ConversationRecord } from "./journal.ts";
import { conversationDamaged } from "./journal-errors.ts";
import { contentSum, fieldsSum } from "./journal-sums.ts";

/** Of a conversation stay on record so many times the messages that are read again, and never fewer than the second number. */
const KEPT_TIMES = 10;
const KEPT_MIN = 1_000;

/** A conversation as it is on disk; its messages are numbered from `first` to `last`. */
interface ConversationRow {
  readonly uid: string;
  readonly name: string;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly turns: number;
  readonly first: number;
  readonly last: number;
  readonly snapshot?: string;
}

/** What conversations hold. Calls that write are made inside a transaction. Failures are LEG6064. */
export interface Conversations {
  /** Throws when the row of a conversation is damaged. */
  check(conversation: Pick<ConversationCommit, "uid" | "name">): void;
  /** Adds what a turn leaves. */
  commit(commit: ConversationCommit, nowMs: number): void;
  read(
    uid: string,
    name: string,
    maxMessages: number,
  ):
    | {
        readonly messages: readonly JsonObject[];
        readonly snapshot?: string;
        readonly turns: number;
      }
    | undefined;
  list(uid: string): ConversationRecord[];
  forget(uid: string, name: string): boolean;
  forgetAll(uid: string): void;
  /** Gives what one agent has said to another one; what that one has said already stays its own. */
  move(uid: string, toUid: string): void;
}

/** The conversations of one database. */
export function conversationsOf(database: Database): Conversations {
  const run = database.query;
  const { find, keep, keepMessage, forget, names, messages } = rowsOf(database);
  return {
    check: ({ uid, name }) => void find(uid, name),
    commit({ uid, name, messages: added, snapshot, maxMessages }, nowMs) {
      const before = find(uid, name) ?? { createdMs: nowMs, turns: 0, first: 1, last: 0 };
      const last = before.last + added.length;
      const kept = Math.max(KEPT_MIN, KEPT_TIMES * maxMessages);
      const first = Math.max(before.first, last - kept + 1);
      const { createdMs, turns } = before;
      const counted = { uid, name, createdMs, updatedMs: nowMs, turns: turns + 1, first, last };
      keep({ ...counted, ...(snapshot !== undefined && { snapshot }) });
      for (const [index, message] of added.entries()) {
        const seq = before.last + index + 1;
        if (seq >= first) keepMessage(uid, name, seq, JSON.stringify(message));
      }
      if (first > before.first) run(`DELETE ${MESSAGES} AND seq < ?`, uid, name, first);
    },
    read(uid, name, maxMessages) {
      const row = find(uid, name);
      if (row === undefined) return undefined;
      const from = Math.max(row.first, row.last - maxMessages + 1);
      const { turns, snapshot } = row;
      const read = messages(row, from).map((body): JsonObject => JSON.parse(body));
      return { messages: read, turns, ...(snapshot !== undefined && { snapshot }) };
    },
    list: (uid) =>
      run(`${SELECT} WHERE uid = ? ORDER BY updated_ms DESC, name`, uid).map((row) =>
        recordOf(conversationOf(row)),
      ),
    forget,
    forgetAll: (uid) => {
      run("DELETE FROM conversation_messages WHERE uid = ?", uid);
      run("DELETE FROM conversations WHERE uid = ?", uid);
    },
    move(uid, toUid) {
      const taken = new Set(names(toUid));
      for (const name of names(uid).filter((mine) => !taken.has(mine))) {
        // One that is damaged stays where it is: it keeps nobody from the others.
        const found = whenWhole(() => {
          const row = find(uid, name);
          return row && { row, bodies: messages(row, row.first) };
        });
        if (found === undefined) continue;
        const { row, bodies } = found;
        forget(uid, name);
        keep({ ...row, uid: toUid });
        for (const [index, body] of bodies.entries()) {
          keepMessage(toUid, name, row.first + index, body);
        }
      }
    },
  };
}

/** The rows of conversations and their messages, each checked when it is read. */
function rowsOf(database: Database) {
  const run = database.query;
  const find = (uid: string, name: string): ConversationRow | undefined => {
    const found = run(`${SELECT} WHERE uid = ? AND name = ?`, uid, name)[0];
    if (found !== undefined) return whole(found);
    // The name in its row may be what is damaged.
    const orphan = "SELECT 1 FROM conversation_messages WHERE uid = ? AND name = ? LIMIT 1";
    if (run(orphan, uid, name).length > 0) throw conversationDamaged(name, "its row is missing");
    return undefined;
  };
  const keep = (row: ConversationRow) =>
    run(
      "INSERT OR REPLACE INTO conversations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      ...columnsOf(row),
      rowSum(row),
    );
  const keepMessage = (uid: string, name: string, seq: number, body: string) => {
    const sum = messageSum(uid, name, seq, body);
    run("INSERT INTO conversation_messages VALUES (?, ?, ?, ?, ?)", uid, name, seq, body, sum);
  };
  const forget = (uid: string, name: string) => {
    const mine = "WHERE uid = ? AND name = ?";
    run(`DELETE FROM conversation_messages ${mine}`, uid, name);
    return run(`DELETE FROM conversations ${mine} RETURNING 1`, uid, name).length > 0;
  };
  const names = (uid: string) =>
    run("SELECT name FROM conversations WHERE uid = ?", uid).map((row) => String(row.name));
  /** From a number to the last one, each checked. */
  const messages = (row: ConversationRow, from: number): string[] => {
    const { uid, name, last } = row;
    const found = run(
      `${SELECT_MESSAGES} AND seq >= ? ORDER BY conversation_messages.seq`,
      uid,
      name,
      from,
    );
    if (found.length !== Math.max(0, last + 1 - from)) {
      throw conversationDamaged(name, "messages are missing");
    }
    return found.map(({ seq, body, sum }, index) => {
      const isWhole =
        seq === from + index && sum === messageSum(uid, name, from + index, `${body}`);
      if (!isWhole) throw conversationDamaged(name, `message ${from + index} is damaged`);
      return String(body);
    });
  };
  return { find, keep, keepMessage, forget, names, messages };
}

function whenWhole<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof LegionError && error.code === "LEG6064") return undefined;
    throw error;
  }
}

const integers = ["created_ms", "updated_ms", "turns", "first", "last"];
// As floating point: a damaged integer may be larger than what a number holds exactly.
const SELECT = `SELECT uid, name, snapshot, sum,
  ${integers.map((column) => `CAST(${column} AS REAL) AS ${column}`).join(", ")} FROM conversations`;
const MESSAGES = "FROM conversation_messages WHERE uid = ? AND name = ?";
const SELECT_MESSAGES = `SELECT CAST(seq AS REAL) AS seq, body, sum ${MESSAGES}`;

function recordOf(row: ConversationRow): ConversationRecord {
  return {
    uid: row.uid,
    name: row.name,
    createdAt: new Date(row.createdMs).toISOString(),
    updatedAt: new Date(row.updatedMs).toISOString(),
    turns: row.turns,
    messages: row.last - row.first + 1,
  };
}

function columnsOf(row: ConversationRow): (string | number | null)[] {
  const { uid, name, createdMs, updatedMs, turns, first, last, snapshot = null } = row;
  return [uid, name, createdMs, updatedMs, turns, first, last, snapshot];
}

function rowSum(row: ConversationRow): string {
  return fieldsSum(columnsOf(row));
}

function messageSum(uid: string, name: string, seq: number, body: string): string {
  return fieldsSum([uid, name, seq, contentSum(body)]);
}

function whole(columns: SqlRow): ConversationRow {
  const row = conversationOf(columns);
  if (rowSum(row) !== columns.sum) throw conversationDamaged(row.name, "its row is damaged");
  return row;
}

function conversationOf(columns: SqlRow): ConversationRow {
  const { uid, name, snapshot } = columns;
  return {
    uid: String(uid),
    name: String(name),
    createdMs: Number(columns.created_ms),
    updatedMs: Number(columns.updated_ms),
    turns: Number(columns.turns),
    first: Number(columns.first),
    last: Number(columns.last),
    ...(snapshot !== null && { snapshot: String(snapshot) }),
  };
}
