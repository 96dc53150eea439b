// Goal: what an earlier Legion has left is all there after the upgrade, and goes on (R46).
// Method: databases with the schemas as they were released, written down here once more, filled with rows and opened by the present code.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { manualClock } from "../lib/clock.ts";
import { newRun } from "../testing/journals.ts";
import { type Database, openDatabase } from "./database.ts";
import { openSqliteInbox } from "./inbox-sqlite.ts";
import { openSqliteJournal } from "./journal-sqlite.ts";
import { migrate, SCHEMA_VERSION } from "./migrations.ts";

let root = "";
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "legion-migrations-"));
});
after(() => rm(root, { recursive: true, force: true }));

/** Schema 2, as it was released. */
const SCHEMA_2 = [
  `CREATE TABLE resources (
      kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
      uid TEXT NOT NULL UNIQUE, owners TEXT, body TEXT NOT NULL,
      PRIMARY KEY (kind, namespace, name)
    ) STRICT`,
  "CREATE TABLE events (version INTEGER PRIMARY KEY, type TEXT NOT NULL, body TEXT NOT NULL) STRICT",
  `CREATE TABLE records (
      uid TEXT NOT NULL, generation INTEGER NOT NULL,
      at TEXT NOT NULL, manager TEXT NOT NULL, spec TEXT NOT NULL,
      PRIMARY KEY (uid, generation)
    ) STRICT`,
  "CREATE TABLE inventories (source TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT",
  `CREATE TABLE leases (
      name TEXT PRIMARY KEY, holder TEXT, epoch INTEGER NOT NULL,
      renewals INTEGER NOT NULL, ttl_ms INTEGER NOT NULL
    ) STRICT`,
  `CREATE TABLE messages (
      position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, uid TEXT NOT NULL,
      at TEXT NOT NULL, sender TEXT, task TEXT NOT NULL, attempts INTEGER NOT NULL
    ) STRICT`,
  "CREATE INDEX messages_of_agent ON messages (uid, position)",
  `CREATE TABLE outcomes (
      position INTEGER PRIMARY KEY, message TEXT NOT NULL UNIQUE, uid TEXT NOT NULL,
      at_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, generation INTEGER NOT NULL, result TEXT NOT NULL
    ) STRICT`,
];

const MESSAGE =
  "INSERT INTO messages (id, uid, at, sender, task, attempts) VALUES (?, ?, ?, ?, ?, ?)";
const AT = "2026-01-01T00:00:00.000Z";

/** What a Legion of schema 2 leaves: three messages that wait, the second of which it was answering, and an outcome. */
async function leftBy2(folder: string): Promise<Database> {
  const database = await openDatabase(folder);
  for (const sql of SCHEMA_2) database.query(sql);
  database.query(MESSAGE, "1", "a", AT, "x", "first", 0);
  database.query(MESSAGE, "2", "a", AT, null, "second", 2);
  database.query(MESSAGE, "3", "b", AT, null, "third", 0);
  database.query(
    "INSERT INTO outcomes (message, uid, at_ms, attempts, generation, result) VALUES (?, ?, ?, ?, ?, ?)",
    ...["0", "a", Date.parse(AT), 1, 4, '{"status":"ok"}'],
  );
  database.query("PRAGMA user_version = 2");
  return database;
}

/** Every table and index with its columns, whatever the spelling of its statement. */
function schemaOf(database: Database) {
  const names = database.query("SELECT type, name FROM sqlite_schema ORDER BY type, name");
  return names.map(({ type, name }) => {
    const pragma = type === "table" ? "table_xinfo" : "index_xinfo";
    return { type, name, columns: database.query(`PRAGMA ${pragma}(${name})`) };
  });
}

test("messages and outcomes of schema 2 are there after the upgrade; the one that was being answered goes first", async () => {
  const database = await leftBy2(path.join(root, "messages"));
  const clock = manualClock();
  const inbox = openSqliteInbox(database, { clock });
  const fresh = { conversation: "main", delivery: 1, notBeforeMs: 0, duplicates: 0, at: AT };
  const second = { id: "2", uid: "a", task: "second", attempts: 2, ...fresh };
  assert.deepEqual(await inbox.next("a", "main", 0), second);
  assert.deepEqual(await inbox.outcome("0"), {
    ...{ message: "0", uid: "a", at: AT, attempts: 1, duplicates: 0, generation: 4 },
    result: { status: "ok" },
  });
  const journal = openSqliteJournal(database, { clock });
  await journal.begin(newRun("r1", { uid: "a", message: "2", key: "message/2/1" }), {});
  const answer = { message: "2", generation: 5, result: { status: "ok" } };
  await journal.end("r1", { data: {}, status: "ok", tokens: 0, answer });
  assert.equal((await inbox.outcome("2"))?.attempts, 3);
  const first = { id: "1", uid: "a", from: "x", task: "first", attempts: 0, ...fresh };
  assert.deepEqual(await inbox.next("a", "main", 0), first);
  assert.deepEqual(
    [...(await inbox.counts())],
    [
      ["a", 1],
      ["b", 1],
    ],
  );
  database.close();
});

test("an upgraded database has the schema of a new one", async () => {
  const old = await leftBy2(path.join(root, "old"));
  const fresh = await openDatabase(path.join(root, "fresh"));
  migrate(old);
  migrate(fresh);
  assert.deepEqual(schemaOf(old), schemaOf(fresh));
  assert.equal(old.query("PRAGMA user_version")[0]?.user_version, SCHEMA_VERSION);
  old.close();
  fresh.close();
});

test("an upgrade that is cut short at any statement leaves schema 2 or a whole one, and the next start ends it", async () => {
  const sample = await leftBy2(path.join(root, "sample"));
  let statements = 0;
  migrate({
    ...sample,
    query(sql, ...values) {
      statements += 1;
      return sample.query(sql, ...values);
    },
  });
  sample.close();
  for (let at = 1; at < statements; at += 5) {
    const folder = path.join(root, `cut-${at}`);
    const cut = await leftBy2(folder);
    let left = at;
    const failing: Database = {
      ...cut,
      query(sql, ...values) {
        left -= 1;
        if (left === 0 && sql !== "ROLLBACK") throw new Error("cut");
        return cut.query(sql, ...values);
      },
    };
    assert.throws(() => migrate(failing), /cut/);
    assert.equal(cut.query("SELECT COUNT(*) AS count FROM messages")[0]?.count, 3);
    migrate(cut);
    assert.equal(cut.query("PRAGMA user_version")[0]?.user_version, SCHEMA_VERSION);
    assert.equal(await openSqliteInbox(cut, { clock: manualClock() }).count("a"), 2);
    cut.close();
  }
});
