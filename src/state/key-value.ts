import type Keyv from "keyv";
import { LegionError } from "../lib/errors.ts";
import type { Json } from "../lib/json.ts";
import { byteLength } from "../lib/text.ts";
import { type Database, databaseError, type SqlValue } from "./database.ts";

/** A namespace of the key-value store. Every failure is a LegionError; changes are on disk when the promise resolves. */
export interface KeyValueSpace {
  /** Undefined when there is no such key, or its time is over. */
  get(key: string): Promise<Json | undefined>;
  /** The value with the end of its time; undefined as with `get`. */
  entry(key: string): Promise<KeyValueEntry | undefined>;
  /** Keeps the value, for `ttlMs` when given, in place of an earlier one and its time. */
  set(key: string, value: Json, ttlMs?: number): Promise<void>;
  /** Whether there was one. */
  delete(key: string): Promise<boolean>;
  /** Keys in byte order that start with the prefix; `more` when the limit left some out. */
  list(options: {
    readonly prefix: string;
    readonly limit: number;
  }): Promise<{ readonly keys: readonly string[]; readonly more: boolean }>;
}

export interface KeyValueEntry {
  readonly value: Json;
  /** Milliseconds since 1970; undefined for one that is kept until it is deleted. */
  readonly expiresAtMs?: number;
}

/** The key-value store of a process. */
export interface KeyValue {
  /** The same name gives the same space, in every process that has the database open. */
  space(namespace: string): KeyValueSpace;
}

export const KEY_BYTES_MAX = 512;
export const VALUE_BYTES_MAX = 512 * 1024;
export const KEYS_MAX = 100_000;
/** Namespaces whose Keyv instance is kept at hand; it costs little to make one again. */
const SPACES_MAX = 1_000;

const TABLE = "keyv";
/** Above every key: keys hold no noncharacters. */
const LAST = "\u{10FFFF}";

/** The store over a database, by Keyv: one table, a namespace column, expiry in milliseconds. It does not own the database. */
export async function openKeyValue(database: Database): Promise<KeyValue> {
  const { default: KeyvStore } = await import("keyv");
  const { default: KeyvSqlite } = await import("@keyv/sqlite");
  const driver = {
    name: "custom" as const,
    connect: async () => ({
      query: async (sql: string, ...parameters: unknown[]) =>
        database.query(sql, ...(parameters as SqlValue[])),
      // The connection belongs to whoever opened the database.
      close: async () => {},
    }),
  };
  const store = () => new KeyvSqlite({ driver, table: TABLE, keySize: KEY_BYTES_MAX });
  const open = (namespace: string): Keyv => {
    const keyv = new KeyvStore({ store: store(), namespace });
    // Keyv reports failures as events and answers undefined or false; a listener that throws turns them into rejections.
    keyv.on("error", (error: unknown) => {
      throw databaseError(error, database.file);
    });
    return keyv;
  };
  await store().ready;
  database.query(`CREATE INDEX IF NOT EXISTS ${TABLE}_namespace_idx ON ${TABLE} (namespace, key)`);
  database.query(`DELETE FROM ${TABLE} WHERE expires <= ?`, Date.now());
  const spaces = new Map<string, KeyValueSpace>();
  return {
    space(namespace) {
      const known = spaces.get(namespace);
      if (known !== undefined) return known;
      if (spaces.size >= SPACES_MAX) spaces.clear();
      // The adapter takes "<namespace>:" off the front of a key. No key can hold a line break, so it never finds one.
      const column = `${namespace}\n`;
      const space = keyValueSpace(database, open(column), column);
      spaces.set(namespace, space);
      return space;
    },
  };
}

function keyValueSpace(database: Database, keyv: Keyv, column: string): KeyValueSpace {
  const admit = quota(database, column);
  return {
    async get(key) {
      return keyv.get<Json>(checkedKey(key));
    },
    async entry(key) {
      const raw = await keyv.getRaw<Json>(checkedKey(key));
      if (typeof raw !== "object" || raw.value === undefined) return undefined;
      const { value, expires } = raw;
      return { value, ...(typeof expires === "number" && { expiresAtMs: expires }) };
    },
    async set(key, value, ttlMs) {
      checkedKey(key);
      checkValue(key, value);
      admit(key);
      await keyv.set(key, value, ttlMs);
    },
    async delete(key) {
      return keyv.delete(checkedKey(key));
    },
    async list({ prefix, limit }) {
      const rows = database.query(
        `SELECT key FROM ${TABLE} WHERE namespace = ? AND key >= ? AND key < ? AND (expires IS NULL OR expires > ?) ORDER BY key LIMIT ?`,
        column,
        prefix,
        prefix + LAST,
        Date.now(),
        limit + 1,
      );
      const keys = rows.map(({ key }) => String(key));
      return { keys: keys.slice(0, limit), more: keys.length > limit };
    },
  };
}

/** Refuses a new key when the namespace is full. Counting is slow, so it counts sets and looks at the table only when they could have filled it. */
function quota(database: Database, column: string): (key: string) => void {
  let keysAtMost = Number.POSITIVE_INFINITY;
  return (key) => {
    if (keysAtMost >= KEYS_MAX) {
      const [row] = database.query(
        `SELECT COUNT(*) AS keys FROM ${TABLE} WHERE namespace = ? AND (expires IS NULL OR expires > ?)`,
        column,
        Date.now(),
      );
      keysAtMost = Number(row?.keys ?? 0);
    }
    if (
      keysAtMost >= KEYS_MAX &&
      database.query(`SELECT 1 FROM ${TABLE} WHERE namespace = ? AND key = ?`, column, key)
        .length === 0
    ) {
      throw new LegionError({
        code: "LEG6012",
        message: `the namespace holds ${KEYS_MAX.toLocaleString("en")} keys already`,
        hint: "delete keys that are no longer needed, or set them with a ttl",
      });
    }
    keysAtMost += 1;
  };
}

function checkedKey(key: string): string {
  const fault = keyFault(key);
  if (fault === undefined) return key;
  throw new LegionError({
    code: "LEG6010",
    message: `the key ${fault}`,
    hint: `use text of 1 to ${KEY_BYTES_MAX} bytes`,
    example: '{"key":"user/42"}',
  });
}

function keyFault(key: string): string | undefined {
  if (key === "") return "is empty";
  if (byteLength(key) > KEY_BYTES_MAX)
    return `has ${byteLength(key)} bytes, more than ${KEY_BYTES_MAX}`;
  if (!key.isWellFormed() || /[\p{Cc}\p{Noncharacter_Code_Point}]/u.test(key))
    return "holds a control character or half a character";
  return undefined;
}

function checkValue(key: string, value: Json): void {
  const bytes = byteLength(JSON.stringify(value));
  if (bytes <= VALUE_BYTES_MAX) return;
  throw new LegionError({
    code: "LEG6011",
    message: `the value of "${key}" has ${bytes.toLocaleString("en")} bytes, more than ${VALUE_BYTES_MAX.toLocaleString("en")}`,
    hint: "split it over several keys, or keep only what is needed",
  });
}
