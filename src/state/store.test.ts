// Goal: every driver keeps the one contract of the store.
// Method: the contract's cases over the memory and over real SQLite files, and what only files can show: other processes, reopening.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { manualClock } from "../lib/clock.ts";
import { everything, key, type OpenStore, put, write } from "./contract/case.ts";
import { openDatabase } from "./database.ts";
import { openMemoryStore } from "./memory.ts";
import { openSqliteStore } from "./sqlite.ts";
import { runStoreContract } from "./store.contract.ts";

let root = "";
let folders = 0;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "legion-store-"));
});
after(() => rm(root, { recursive: true, force: true }));

function newFolder(): string {
  folders += 1;
  return path.join(root, `${folders}`);
}

const openMemory: OpenStore = async (options) => {
  const clock = manualClock();
  return { clock, store: openMemoryStore({ clock, ...options }), close: async () => {} };
};

const openSqlite: OpenStore = async (options) => {
  const clock = manualClock();
  const database = await openDatabase(newFolder());
  const store = openSqliteStore(database, { clock, ...options });
  return { clock, store, close: async () => database.close() };
};

runStoreContract("memory", openMemory);
runStoreContract("sqlite", openSqlite);

test("sqlite: what was written is there after closing and opening again", async () => {
  const folder = newFolder();
  const options = { clock: manualClock() };
  const first = await openDatabase(folder);
  const store = openSqliteStore(first, options);
  await write(store, [put("a", { x: 1 }), put("b")]);
  await store.leases.acquire("l", "one", 1_000);
  const before = await everything(store);
  first.close();
  const second = await openDatabase(folder);
  const again = openSqliteStore(second, options);
  assert.deepEqual(await everything(again), before);
  assert.equal((await again.leases.read("l"))?.holder, "one");
  second.close();
});

test("sqlite: a removed object leaves nothing behind but the last event", async () => {
  const database = await openDatabase(newFolder());
  const store = openSqliteStore(database, { clock: manualClock(), eventsRetained: 1 });
  for (const x of [1, 2, 3]) await write(store, [put("a", { x })]);
  await write(store, [put("a", { x: 4 }), { type: "delete", key: key("a") }]);
  const rows = (table: string) => database.query(`SELECT * FROM ${table}`).length;
  const left = ["resources", "records", "events"].map(rows);
  assert.deepEqual(left, [0, 0, 1]);
  database.close();
});

test("sqlite: R49: a write that changes nothing leaves the file as it was for every connection", async () => {
  const folder = newFolder();
  const [mine, other] = [await openDatabase(folder), await openDatabase(folder)];
  const store = openSqliteStore(mine, { clock: manualClock() });
  const changes = Array.from({ length: 100 }, (_, at) => put(`a${at}`, { at }));
  await write(store, changes);
  const seen = () => [
    other.query("PRAGMA data_version")[0]?.data_version,
    mine.query("SELECT total_changes() AS rows")[0]?.rows,
  ];
  const before = seen();
  assert.equal((await write(store, changes)).rowsWritten, 0);
  assert.deepEqual(seen(), before);
  assert.equal((await write(store, [...changes, put("b")])).rowsWritten, 3);
  assert.notDeepEqual(seen(), before);
  for (const database of [mine, other]) database.close();
});

test("sqlite: a watch sees the commits of another connection, and conflicts with it are told", async () => {
  const folder = newFolder();
  const options = { clock: manualClock(), pollMs: 10 };
  const [mine, other] = [await openDatabase(folder), await openDatabase(folder)];
  const [store, elsewhere] = [openSqliteStore(mine, options), openSqliteStore(other, options)];
  const stop = new AbortController();
  const watch = store.watch(0, stop.signal);
  const next = watch.next();
  await write(elsewhere, [put("a", {}, { expect: "absent" })]);
  assert.equal((await next).value?.resource.name, "a");
  await assert.rejects(write(store, [put("a", {}, { expect: "absent" })]), { code: "LEG6021" });
  const failing = watch.next();
  mine.close();
  await assert.rejects(failing, { code: "LEG6005" }, "a closed database ends the watch");
  other.close();
});

test("sqlite: what reads and writes in one process share a connection with is not disturbed", async () => {
  const { store, close } = await openSqlite();
  const writes = Array.from({ length: 50 }, (_, at) =>
    write(store, [put(`a${at}`), put("b", { at })]),
  );
  await Promise.all(writes);
  const { resources, version } = await everything(store);
  assert.deepEqual([resources.length, version], [51, 100]);
  await close();
});
