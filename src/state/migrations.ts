import { LegionError } from "../lib/errors.ts";
import { atomically, type Database } from "./database.ts";
import { durableTables } from "./migration-durable.ts";
import { watchingTables } from "./migration-watching.ts";

/** The statements that lead from each schema to the next. A released one is never edited: changes are a new entry. */
const migrations: readonly (readonly string[])[] = [
  [
    `CREATE TABLE resources (
      kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
      uid TEXT NOT NULL UNIQUE, owners TEXT, body TEXT NOT NULL,
      PRIMARY KEY (kind, namespace, name)
    ) STRICT`,
    `CREATE TABLE events (version INTEGER PRIMARY KEY, type TEXT NOT NULL, body TEXT NOT NULL) STRICT`,
    `CREATE TABLE records (
      uid TEXT NOT NULL, generation INTEGER NOT NULL,
      at TEXT NOT NULL, manager TEXT NOT NULL, spec TEXT NOT NULL,
      PRIMARY KEY (uid, generation)
    ) STRICT`,
    `CREATE TABLE inventories (source TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT`,
    `CREATE TABLE leases (
      name TEXT PRIMARY KEY, holder TEXT, epoch INTEGER NOT NULL,
      renewals INTEGER NOT NULL, ttl_ms INTEGER NOT NULL
    ) STRICT`,
  ],
  [
    `CREATE TABLE messages (
      position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, uid TEXT NOT NULL,
      at TEXT NOT NULL, sender TEXT, task TEXT NOT NULL, attempts INTEGER NOT NULL
    ) STRICT`,
    `CREATE INDEX messages_of_agent ON messages (uid, position)`,
    `CREATE TABLE outcomes (
      position INTEGER PRIMARY KEY, message TEXT NOT NULL UNIQUE, uid TEXT NOT NULL,
      at_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, generation INTEGER NOT NULL, result TEXT NOT NULL
    ) STRICT`,
  ],
  [
    // Of objects that were written before, nobody can tell since when they are as they are.
    `ALTER TABLE resources ADD COLUMN generation INTEGER`,
    `ALTER TABLE resources ADD COLUMN version INTEGER`,
    `ALTER TABLE resources ADD COLUMN moved INTEGER`,
    `CREATE TABLE settled (source TEXT PRIMARY KEY, request TEXT NOT NULL, version INTEGER NOT NULL) STRICT`,
  ],
  durableTables,
  watchingTables,
];

/** The schema that this Legion writes. */
export const SCHEMA_VERSION = migrations.length;

/** Brings a database to the present schema, each step whole or not at all. A newer one is refused and not touched. */
export function migrate(database: Database): void {
  let version = schemaVersion(database);
  while (version < SCHEMA_VERSION) {
    version = atomically(database, () => step(database, schemaVersion(database)));
  }
  if (version > SCHEMA_VERSION) throw newerSchema(database.file, version);
}

/** Another process may have migrated between the look and the lock, so the version is read inside. */
function step(database: Database, version: number): number {
  const statements = migrations[version];
  if (statements === undefined) return version;
  for (const sql of statements) database.query(sql);
  database.query(`PRAGMA user_version = ${version + 1}`);
  return version + 1;
}

function schemaVersion(database: Database): number {
  return Number(database.query("PRAGMA user_version")[0]?.user_version);
}

function newerSchema(file: string, version: number): LegionError {
  return new LegionError({
    code: "LEG6020",
    message: `the database ${file} has schema ${version}, and this Legion knows schemas up to ${SCHEMA_VERSION}`,
    hint: "run the newer Legion that wrote it, or name another state folder; nothing was changed",
  });
}
