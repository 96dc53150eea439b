// Goal: the state folder is private (S59), one connection serves all, and what goes wrong with the disk says so with the path and the fix.
// Method: real folders and real SQLite files, spoilt in each way that a disk or another program can.
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { LegionError } from "../lib/errors.ts";
import { databaseError, openDatabase } from "./database.ts";

let root = "";
let folders = 0;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "legion-state-"));
});
after(() => rm(root, { recursive: true, force: true }));

function newFolder(): string {
  folders += 1;
  return path.join(root, `state-${folders}`);
}

const modeOf = async (file: string) => (await stat(file)).mode & 0o777;

test("the folder is 0700 and every file in it 0600", async () => {
  const folder = newFolder();
  using database = await openUsing(folder);
  database.query("CREATE TABLE t (x)");
  assert.equal(await modeOf(folder), 0o700);
  for (const suffix of ["", "-wal", "-shm"]) {
    assert.equal(await modeOf(database.file + suffix), 0o600, `legion.db${suffix}`);
  }
});

test("a file that was wider is tightened, a folder that was there is left as it is", async () => {
  const folder = newFolder();
  await mkdir(folder, { mode: 0o755 });
  await writeFile(path.join(folder, "legion.db"), "", { mode: 0o644 });
  await chmod(path.join(folder, "legion.db"), 0o644);
  using database = await openUsing(folder);
  assert.equal(await modeOf(folder), 0o755);
  assert.equal(await modeOf(database.file), 0o600);
});

test("a link in place of the file is refused, and what it leads to stays as it is", async () => {
  const folder = newFolder();
  await mkdir(folder);
  const victim = path.join(root, "victim");
  await writeFile(victim, "keep", { mode: 0o644 });
  await symlink(victim, path.join(folder, "legion.db"));
  await assert.rejects(openDatabase(folder), { code: "LEG6001" });
  assert.equal(await modeOf(victim), 0o644);
});

test("the journal is a write-ahead log that is on disk at each commit", async () => {
  using database = await openUsing(newFolder());
  assert.deepEqual({ ...database.query("PRAGMA journal_mode")[0] }, { journal_mode: "wal" });
  assert.deepEqual({ ...database.query("PRAGMA synchronous")[0] }, { synchronous: 2 });
});

test("rows come back, parameters are bound, statements can be used again", async () => {
  using database = await openUsing(newFolder());
  database.query("CREATE TABLE t (name TEXT, size INTEGER)");
  for (const [name, size] of [
    ["a", 1],
    ["b'; DROP TABLE t;", 2],
  ] as const) {
    assert.deepEqual(database.query("INSERT INTO t VALUES (?, ?)", name, size), []);
  }
  const rows = database.query("SELECT name FROM t WHERE size > ? ORDER BY name", 0);
  assert.deepEqual(
    rows.map(({ name }) => name),
    ["a", "b'; DROP TABLE t;"],
  );
});

test("more different statements than are kept still work", async () => {
  using database = await openUsing(newFolder());
  for (let at = 0; at < 500; at += 1) {
    assert.deepEqual({ ...database.query(`SELECT ${at} AS n`)[0] }, { n: at });
  }
  assert.deepEqual({ ...database.query("SELECT 0 AS n")[0] }, { n: 0 });
});

test("closing twice is closing once", async () => {
  const database = await openDatabase(newFolder());
  database.close();
  database.close();
});

const spoilt: {
  name: string;
  code: string;
  says: RegExp;
  spoil(folder: string): Promise<unknown>;
}[] = [
  {
    name: "a file in place of the folder",
    code: "LEG6001",
    says: /cannot be used: a file has its name/,
    spoil: (folder) => writeFile(folder, ""),
  },
  {
    name: "a folder in place of the file",
    code: "LEG6001",
    says: /legion\.db in it is a folder/,
    spoil: (folder) => mkdir(path.join(folder, "legion.db"), { recursive: true }),
  },
  {
    name: "a path that goes through a file",
    code: "LEG6001",
    says: /a part of its path is a file/,
    spoil: async (folder) => writeFile(path.dirname(folder), ""),
  },
  {
    name: "a file that is no database",
    code: "LEG6002",
    says: /is not an SQLite database/,
    spoil: async (folder) => {
      await mkdir(folder);
      await writeFile(path.join(folder, "legion.db"), "not a database ".repeat(1000));
    },
  },
];

for (const { name, code, says, spoil } of spoilt) {
  test(`${name} is told with the path and a hint`, async () => {
    const folder = name.includes("goes through") ? path.join(newFolder(), "deeper") : newFolder();
    await spoil(folder);
    await assert.rejects(openDatabase(folder), (error: unknown) => {
      assert.ok(error instanceof LegionError);
      assert.equal(error.code, code);
      assert.match(error.message, says);
      assert.ok(error.message.includes(folder));
      assert.notEqual(error.hint, "");
      return true;
    });
  });
}

test("a page that was overwritten is told as damage when it is read", async () => {
  const folder = newFolder();
  const first = await openDatabase(folder);
  first.query("CREATE TABLE t (x)");
  for (let at = 0; at < 200; at += 1) first.query("INSERT INTO t VALUES (?)", "x".repeat(500));
  first.close();
  await overwrite(first.file, 4096, Buffer.alloc(4096 * 4, 0xff));
  using again = await openUsing(folder);
  assert.throws(() => again.query("SELECT x FROM t"), { code: "LEG6002" });
});

test("a lock that another connection holds is told after the wait", async () => {
  using database = await openUsing(newFolder());
  database.query("CREATE TABLE t (x)");
  const other = new DatabaseSync(database.file);
  other.exec("BEGIN IMMEDIATE");
  assert.throws(() => database.query("INSERT INTO t VALUES (1)"), { code: "LEG6004" });
  other.close();
  assert.deepEqual(database.query("INSERT INTO t VALUES (1)"), []);
});

test("a full disk is told, and nothing is half written", async () => {
  using database = await openUsing(newFolder());
  database.query("CREATE TABLE t (x)");
  // The limit on pages gives the same result code as a disk without space.
  const [{ page_count: pages } = {}] = database.query("PRAGMA page_count");
  database.query(`PRAGMA max_page_count = ${Number(pages)}`);
  assert.throws(() => database.query("INSERT INTO t VALUES (?)", "x".repeat(100_000)), {
    code: "LEG6003",
  });
  assert.deepEqual({ ...database.query("SELECT COUNT(*) AS rows FROM t")[0] }, { rows: 0 });
});

test("an error that SQLite did not throw keeps its message, and a LegionError stays itself", () => {
  const own = new LegionError({ code: "LEG6012", message: "full", hint: "delete" });
  assert.equal(databaseError(own, "f"), own);
  assert.match(databaseError(new Error("odd"), "f").message, /f refused an operation: odd/);
});

async function openUsing(folder: string) {
  const database = await openDatabase(folder);
  return { ...database, [Symbol.dispose]: () => database.close() };
}

async function overwrite(file: string, at: number, bytes: Buffer): Promise<void> {
  const { open } = await import("node:fs/promises");
  await using handle = await open(file, "r+");
  await handle.write(bytes, 0, bytes.length, at);
}
