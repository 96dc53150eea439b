// Goal: a write is there whole or not at all, wherever the process is killed and wherever the log of the file is torn (R01, R03, R49).
// Method: this file, started as a child, kills itself before or after each statement of one write; the parent looks at the files.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { manualClock } from "../lib/clock.ts";
import { AT, everything, key, put } from "./contract/case.ts";
import { type Database, openDatabase } from "./database.ts";
import { openSqliteStore } from "./sqlite.ts";
import type { Store, StoreChange } from "./store.ts";

/** Children at once. */
const LANES = 2;
/** Places at which the log is torn. */
const TEARS = 60;

const self = fileURLToPath(import.meta.url);
const [, , childFolder, childPoint] = process.argv;

/** Uids are those of the phase, so that every run of the write gives the same objects. */
function open(database: Database, phase: "prepare" | "write"): Store {
  let uids = 0;
  const newUid = () => {
    uids += 1;
    return `${phase}-${uids}`;
  };
  return openSqliteStore(database, { clock: manualClock(), newUid });
}

/** What is there before the write. */
async function prepare(store: Store): Promise<void> {
  const first = [put("b", { x: 1 }), put("c", { x: 1 }), put("d", { x: 1 })];
  await store.write(first, { at: AT });
  await store.leases.acquire("l", "me", 1_000);
}

/** A write that touches every table. */
async function decisiveWrite(store: Store): Promise<void> {
  const changes: StoreChange[] = [
    put("a", { x: 2 }),
    put("b", { x: 2 }),
    { type: "delete", key: key("c") },
    { type: "status", key: key("d"), status: { x: 2 } },
    {
      type: "inventory",
      source: "s",
      inventory: { keys: [key("a"), key("b"), key("d")], digest: "2", attempted: "2" },
    },
  ];
  await store.write(changes, { at: AT + 1, fence: { lease: "l", epoch: 1 } });
}

/** The database with a word said before and after each statement. */
function observed(database: Database, onPoint: (sql: string) => void): Database {
  return {
    ...database,
    query(sql, ...values) {
      onPoint(sql);
      const rows = database.query(sql, ...values);
      onPoint(sql);
      return rows;
    },
  };
}

async function child(folder: string, deadlyPoint: number): Promise<void> {
  let armed = false;
  let point = 0;
  const database = await openDatabase(folder);
  const store = open(
    observed(database, () => {
      if (!armed) return;
      if (point === deadlyPoint) process.kill(process.pid, "SIGKILL");
      point += 1;
    }),
    "write",
  );
  armed = true;
  await decisiveWrite(store);
}

if (childFolder !== undefined) await child(childFolder, Number(childPoint));
else crashTests();

function crashTests(): void {
  let root = "";
  let template = "";
  let states: { readonly before: unknown; readonly after: unknown };
  const points: string[] = [];

  /** All that a folder holds, after SQLite has repaired it; the file itself must be whole. */
  const look = async (folder: string): Promise<unknown> => {
    const database = await openDatabase(folder);
    try {
      const rows = database.query("PRAGMA integrity_check");
      assert.deepEqual(
        rows.map((row) => row.integrity_check),
        ["ok"],
      );
      const store = open(database, "write");
      return { all: await everything(store), log: await store.changes(0, 100) };
    } finally {
      database.close();
    }
  };

  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), "legion-crash-"));
    template = path.join(root, "template");
    const database = await openDatabase(template);
    await prepare(open(database, "prepare"));
    database.close();
    const done = path.join(root, "finished");
    await cp(template, done, { recursive: true });
    const finished = await openDatabase(done);
    const store = open(
      observed(finished, (sql) => points.push(sql)),
      "write",
    );
    points.length = 0;
    await decisiveWrite(store);
    finished.close();
    states = { before: await look(template), after: await look(done) };
    assert.notDeepEqual(states.after, states.before);
  });
  after(() => rm(root, { recursive: true, force: true }));

  const killedAt = async (point: number): Promise<unknown> => {
    const folder = path.join(root, `kill-${point}`);
    await cp(template, folder, { recursive: true });
    const process_ = spawn(process.execPath, [self, folder, `${point}`], { stdio: "inherit" });
    const [, signal] = await once(process_, "exit");
    assert.equal(signal, "SIGKILL", `the child was to die at point ${point}`);
    return look(folder);
  };

  test("kill -9 before or after any statement leaves the set before the write, or the set after it", async () => {
    const commit = points.indexOf("COMMIT");
    assert.equal(points[0], "BEGIN IMMEDIATE");
    assert.ok(commit > 30, `the write has its statements: ${points.length}`);
    const queue = points.keys();
    const lane = async () => {
      for (const point of queue) {
        const want = point > commit ? states.after : states.before;
        assert.deepEqual(await killedAt(point), want, `point ${point}: ${points[point]}`);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  });

  test("a log of the file that is torn anywhere leaves the set before the write, or the set after it", async () => {
    const source = path.join(root, "torn");
    await cp(template, source, { recursive: true });
    const database = await openDatabase(source);
    const store = open(database, "write");
    database.query("PRAGMA wal_checkpoint(TRUNCATE)");
    await decisiveWrite(store);
    const snapshot = path.join(root, "snapshot");
    await cp(source, snapshot, { recursive: true });
    database.close();
    const { size } = await stat(path.join(snapshot, "legion.db-wal"));
    const outcomes = new Set<unknown>();
    for (let tear = 0; tear <= TEARS; tear += 1) {
      const folder = path.join(root, `tear-${tear}`);
      await cp(snapshot, folder, { recursive: true });
      await rm(path.join(folder, "legion.db-shm"));
      await truncate(path.join(folder, "legion.db-wal"), Math.floor((size * tear) / TEARS));
      const found = JSON.stringify(await look(folder));
      outcomes.add(found);
      const whole = tear === TEARS;
      assert.equal(found, JSON.stringify(whole ? states.after : states.before), `tear ${tear}`);
    }
    assert.equal(outcomes.size, 2);
  });
}
