// Goal: states of watchers and silences are kept whole, over restarts, and old silences go.
// Method: a real SQLite database, opened again; a clock that is moved.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { manualClock } from "../lib/clock.ts";
import type { LegionError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { type Database, openDatabase } from "./database.ts";
import { openSqliteStore } from "./sqlite.ts";
import type { Silence } from "./watching.ts";
import { openSqliteWatching } from "./watching-sqlite.ts";

let root = "";
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "legion-watching-"));
});
after(() => rm(root, { recursive: true, force: true }));

const clock = manualClock();

function silence(name: string, ms: number): Silence {
  const nowMs = clock.now();
  return {
    id: newId(nowMs),
    watcher: { kind: "Watcher", namespace: "default", name },
    until: new Date(nowMs + ms).toISOString(),
    ...{ reason: "deploy", by: "ann", at: new Date(nowMs).toISOString() },
  };
}

async function opened(name: string): Promise<Database> {
  return await openDatabase(path.join(root, name));
}

test("states come back as they were written, the last one of each, also by another process", async () => {
  const database = await opened("states");
  const states = openSqliteWatching(database, { clock });
  assert.equal(await states.read("a"), undefined);
  await states.write([
    { uid: "a", state: { polls: 1, text: "ü\n" } },
    { uid: "b", state: { deep: [{ x: null }] } },
  ]);
  await states.write([{ uid: "a", state: { polls: 2 } }]);
  await states.write([]);
  database.close();
  const again = await opened("states");
  const after = openSqliteWatching(again, { clock });
  assert.deepEqual(await after.read("a"), { polls: 2 });
  assert.deepEqual(await after.read("b"), { deep: [{ x: null }] });
  await after.forget("a");
  await after.forget("never-there");
  assert.equal(await after.read("a"), undefined);
  assert.deepEqual(await after.read("b"), { deep: [{ x: null }] });
  again.close();
});

test("rows of one write are there all or none", async () => {
  const database = await opened("whole");
  let isBroken = false;
  const broken: Database = {
    ...database,
    query(sql, ...values) {
      if (isBroken && values[0] === "b") throw new Error("the disk failed");
      return database.query(sql, ...values);
    },
  };
  const states = openSqliteWatching(broken, { clock });
  isBroken = true;
  const rows = ["a", "b"].map((uid) => ({ uid, state: { polls: 1 } }));
  await assert.rejects(states.write(rows));
  isBroken = false;
  assert.equal(await states.read("a"), undefined);
  database.close();
});

test("a process that has lost its lease writes nothing", async () => {
  const database = await opened("fenced");
  const store = openSqliteStore(database, { clock });
  await store.leases.acquire("l", "me", 1_000);
  const states = openSqliteWatching(database, { clock, fence: { lease: "l", epoch: 0 } });
  const wanted = silence("a", 1_000);
  for (const write of [
    () => states.write([{ uid: "a", state: {} }]),
    () => states.forget("a"),
    () => states.silence(wanted),
    () => states.unsilence(wanted.id),
  ])
    await assert.rejects(write, (error: LegionError) => error.code === "LEG6022");
  database.close();
});

test("a watcher has one silence: the last; those that are over are not told, and go", async () => {
  const database = await opened("silences");
  const states = openSqliteWatching(database, { clock });
  const first = silence("a", 60_000);
  const second = silence("a", 10_000);
  const other = silence("b", 60_000);
  for (const each of [first, second, other]) await states.silence(each);
  assert.deepEqual(await states.silences(), [second, other]);
  assert.equal(await states.unsilence(first.id), false);
  clock.advance(10_000);
  assert.deepEqual(await states.silences(), [other]);
  const third = silence("c", 60_000);
  await states.silence(third);
  assert.equal(database.query("SELECT id FROM silences").length, 2);
  assert.equal(await states.unsilence(other.id), true);
  assert.deepEqual(await states.silences(), [third]);
  database.close();
});
