// Goal: a full, failing, read-only or damaged disk and a newer schema are told with the path and the fix, and destroy nothing (R05, R06, R07, R46).
// Method: real files, with the limit on pages in place of a full disk, rights taken away, bytes overwritten; a failed flush is thrown into COMMIT.
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { manualClock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { everything, put, write } from "./contract/case.ts";
import { type Database, databaseError, openDatabase } from "./database.ts";
import { SCHEMA_VERSION } from "./migrations.ts";
import { openSqliteStore } from "./sqlite.ts";
import type { Store } from "./store.ts";

/** A refusal must come sooner than this. */
const REFUSAL_MS = 2_000;
const NOBODY = 65534;

let root = "";
let folders = 0;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "legion-faults-"));
  await chmod(root, 0o755);
});
after(() => rm(root, { recursive: true, force: true }));

function newFolder(): string {
  folders += 1;
  return path.join(root, `state-${folders}`);
}

const options = { clock: manualClock() };
const large = (at: number) => put(`a${at}`, { text: `${at}`.repeat(2_000) });

async function opened(folder: string) {
  const database = await openDatabase(folder);
  return { database, store: openSqliteStore(database, options) };
}

function pragma(database: Database, name: string): unknown {
  return Object.values(database.query(`PRAGMA ${name}`)[0] ?? {})[0];
}

/** The work fails with the code, soon, and says the path and a next step. */
async function refused(work: () => Promise<unknown>, code: string, file: string): Promise<void> {
  const beginMs = performance.now();
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof LegionError, String(error));
    assert.equal(error.code, code);
    assert.ok(error.message.includes(file), error.message);
    assert.notEqual(error.hint, "");
    return true;
  });
  assert.ok(performance.now() - beginMs < REFUSAL_MS);
}

test("R05: a disk that is full at any page refuses the write whole, and goes on when there is space again", async () => {
  const { database, store } = await opened(newFolder());
  await write(store, [large(0)]);
  const changes = Array.from({ length: 20 }, (_, at) => large(at));
  const pages = Number(pragma(database, "page_count"));
  const before = await everything(store);
  let refusals = 0;
  for (let spare = 0; ; spare += 3) {
    database.query(`PRAGMA max_page_count = ${pages + spare}`);
    const failure = await write(store, changes).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) break;
    refusals += 1;
    assert.equal((failure as LegionError).code, "LEG6003");
    assert.deepEqual(await everything(store), before);
  }
  assert.ok(refusals >= 5, `${refusals} places`);
  assert.equal((await store.list()).length, changes.length);
  assert.equal(pragma(database, "integrity_check"), "ok");
  database.close();
});

test("R06: a folder in which this user may not write is refused", async () => {
  const folder = newFolder();
  await mkdir(folder);
  await chmod(folder, 0o555);
  const asRoot = process.geteuid?.() === 0;
  // Rights do not bind root, so it becomes somebody else for a moment.
  if (asRoot) process.seteuid?.(NOBODY);
  try {
    await refused(() => opened(folder), "LEG6001", folder);
  } finally {
    if (asRoot) process.seteuid?.(0);
  }
});

test("R06: a database that turns read-only while it is open refuses writes and still reads", async () => {
  const { database, store } = await opened(newFolder());
  await write(store, [put("a")]);
  database.query("PRAGMA query_only = ON");
  await refused(() => write(store, [put("b")]), "LEG6001", database.file);
  assert.equal((await store.list()).length, 1);
  database.query("PRAGMA query_only = OFF");
  await write(store, [put("b")]);
  database.close();
});

test("R07: after a failed flush nothing more is written, and a new connection finds what was committed", async () => {
  const folder = newFolder();
  const database = await openDatabase(folder);
  let failing = false;
  const flaky: Database = {
    ...database,
    query(sql, ...values) {
      if (!failing || sql !== "COMMIT") return database.query(sql, ...values);
      failing = false;
      // SQLITE_IOERR_FSYNC, as node:sqlite throws it.
      throw databaseError(
        Object.assign(new Error("disk I/O error"), { errcode: 1034 }),
        database.file,
      );
    },
  };
  const store: Store = openSqliteStore(flaky, options);
  await write(store, [put("a")]);
  failing = true;
  await refused(() => write(store, [put("b")]), "LEG6006", database.file);
  await refused(() => write(store, [put("c")]), "LEG6006", database.file);
  await refused(() => store.leases.acquire("l", "me", 1_000), "LEG6006", database.file);
  database.close();
  const again = await opened(folder);
  assert.deepEqual(
    (await again.store.list()).map(({ name }) => name),
    ["a"],
  );
  await write(again.store, [put("b")]);
  again.database.close();
});

test("a page that was overwritten is told as damage when it is read", async () => {
  const folder = newFolder();
  const first = await opened(folder);
  await write(
    first.store,
    Array.from({ length: 50 }, (_, at) => large(at)),
  );
  first.database.close();
  await using handle = await open(first.database.file, "r+");
  await handle.write(Buffer.alloc(4096 * 40, 0xff), 0, undefined, 4096 * 8);
  await refused(
    async () => everything((await opened(folder)).store),
    "LEG6002",
    first.database.file,
  );
});

test("a row that is not JSON is told as damage", async () => {
  const { database, store } = await opened(newFolder());
  await write(store, [put("a")]);
  database.query("UPDATE resources SET body = substr(body, 2)");
  await refused(() => store.list(), "LEG6002", database.file);
  database.close();
});

test("R46: a newer schema is refused, naming both, and not a byte of the file changes", async () => {
  const folder = newFolder();
  const { database, store } = await opened(folder);
  await write(store, [put("a")]);
  database.query(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
  database.close();
  const before = await readFile(database.file);
  await refused(() => opened(folder), "LEG6020", database.file);
  await assert.rejects(opened(folder), {
    message: new RegExp(`has schema ${SCHEMA_VERSION + 1}, .* up to ${SCHEMA_VERSION}$`),
  });
  assert.deepEqual(await readFile(database.file), before);
});

test("a migration that fails in its middle leaves the schema before it, and the next start repeats it", async () => {
  const folder = newFolder();
  const database = await openDatabase(folder);
  const failing: Database = {
    ...database,
    query(sql, ...values) {
      if (sql.includes("CREATE TABLE leases")) throw databaseError(new Error("odd"), database.file);
      return database.query(sql, ...values);
    },
  };
  assert.throws(() => openSqliteStore(failing, options), { code: "LEG6005" });
  const tables = () => database.query("SELECT name FROM sqlite_schema WHERE type = 'table'").length;
  assert.deepEqual([tables(), pragma(database, "user_version")], [0, 0]);
  await write(openSqliteStore(database, options), [put("a")]);
  assert.equal(pragma(database, "user_version"), SCHEMA_VERSION);
  database.close();
});
