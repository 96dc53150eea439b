// Goal: what the disk did to a record is never taken for what was written (R03, R04): a torn newest record is dropped with one warning, any other damage is found, and concerns nothing else.
// Method: the newest record is cut at every byte; one random bit of one random column of any record is flipped, a thousand times; then everything is read.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { manualClock } from "../lib/clock.ts";
import { newRun, openJournal } from "../testing/journals.ts";
import { type Database, openDatabase, type SqlRow } from "./database.ts";
import type { Journal } from "./journal.ts";
import { openSqliteJournal } from "./journal-sqlite.ts";

const SEEDS = 1_000;
let root = "";
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "legion-damage-"));
});
after(() => rm(root, { recursive: true, force: true }));

/** Opens what is there as a process does that has just started. */
function reopened(database: Database) {
  const warnings: string[] = [];
  const onWarning = (message: string) => void warnings.push(message);
  return { warnings, journal: openSqliteJournal(database, { clock: manualClock(), onWarning }) };
}

test("R03: a newest record that is cut at any byte is dropped with one warning, and the run goes on from before it", async () => {
  const { journal, database, close } = await openJournal(path.join(root, "torn"));
  await journal.begin(newRun("r1", { key: "k" }), { task: "é" });
  await journal.append("r1", "call.started", { name: "x", argument: "ü" });
  const before = await journal.steps("r1");
  await journal.append("r1", "call.result", { reply: "größer", end: true });
  const [newest] = database.query("SELECT body FROM steps WHERE seq = 3");
  const bytes = (newest?.body as Uint8Array).length;
  for (let at = 0; at < bytes; at += 1) {
    database.query("UPDATE steps SET body = substr(body, 1, ?) WHERE seq = 3", at);
    const { journal: again, warnings } = reopened(database);
    const readers = [
      () => again.steps("r1"),
      () => again.begin(newRun("r2", { key: "k" }), {}),
      () => again.unfinished(),
    ];
    await readers[at % readers.length]?.();
    assert.deepEqual(await again.steps("r1"), before, `cut at ${at}`);
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0] ?? "",
      new RegExp(`step 3 of the run r1, is torn at byte ${at} of ${bytes}:`),
    );
    const record = await again.run("r1");
    assert.deepEqual([record?.status, record?.steps], ["running", 2]);
    assert.equal(await again.append("r1", "call.result", { reply: "größer", end: true }), 3);
  }
  close();
});

test("R03: a run whose only record is torn was never begun", async () => {
  const { journal, database, close } = await openJournal(path.join(root, "torn-first"));
  await journal.begin(newRun("r1", { key: "k" }), { task: "x" });
  database.query("UPDATE steps SET body = substr(body, 1, 4)");
  const { journal: again, warnings } = reopened(database);
  const begun = await again.begin(newRun("r2", { key: "k" }), { task: "x" });
  assert.deepEqual([begun.run, begun.status], ["r2", "running"]);
  await assert.rejects(again.steps("r1"), { code: "LEG6060" });
  assert.equal(warnings.length, 1);
  close();
});

test("R04: what is torn anywhere else is damage: before the newest record, and in a run that has ended", async () => {
  const { journal, database, close } = await openJournal(path.join(root, "torn-inside"));
  for (const run of ["r1", "r2", "r3"]) {
    await journal.begin(newRun(run, { key: `key-${run}` }), {});
    await journal.append(run, "call.started", { name: "x" });
  }
  await journal.append("r1", "call.result", { reply: 1 });
  await journal.end("r2", { data: {}, status: "ok", tokens: 0 });
  const cut = "UPDATE steps SET body = substr(body, 1, 1) WHERE run = ? AND seq = ?";
  database.query(cut, "r1", 2);
  database.query(cut, "r2", 3);
  const { journal: again, warnings } = reopened(database);
  for (const run of ["r1", "r2"]) {
    await assert.rejects(again.steps(run), { code: "LEG6062" });
    const begun = await again.begin(newRun("new", { key: `key-${run}` }), {});
    assert.deepEqual([begun.run, begun.status], [run, "quarantined"]);
    await assert.rejects(again.append(run, "call.started", {}), { code: "LEG6062" });
    await assert.rejects(again.end(run, { data: {}, status: "ok", tokens: 0 }), {
      code: "LEG6062",
    });
  }
  assert.equal(warnings.length, 2);
  assert.deepEqual(
    (await again.unfinished()).map(({ run }) => run),
    ["r3"],
  );
  assert.equal(await again.append("r3", "call.result", {}), 3);
  close();
});

test("R04: a step that is missing is damage, wherever it stood", async () => {
  for (const seq of [1, 2, 3]) {
    const { journal, database, close } = await openJournal(path.join(root, `missing-${seq}`));
    await journal.begin(newRun("r1"), {});
    await journal.append("r1", "call.started", {});
    await journal.append("r1", "call.result", {});
    database.query("DELETE FROM steps WHERE seq = ?", seq);
    await assert.rejects(reopened(database).journal.steps("r1"), { code: "LEG6062" });
    close();
  }
});

const RUNS = ["r1", "r2", "r3", "r4"];
const CONVERSATIONS = ["main", "other"];
/** Names of the columns by which a record is found, and how one that is damaged is told. */
const TABLES = ["runs", "steps", "blobs", "conversations", "conversation_messages"] as const;
type TableName = (typeof TABLES)[number];

/** What a run of the list begins with: half of them answer a message, the others belong to a run. */
function identity(run: string) {
  const more = RUNS.indexOf(run) % 2 === 0 ? { message: `m-${run}` } : { parent: "p" };
  return { key: `key/${run}`, ...more };
}

/** Runs in every state, two of them with an end, blobs that they use, and two conversations. */
async function fill(journal: Journal): Promise<string[]> {
  const blobs = [await journal.keepBlob({ spec: "é" }), await journal.keepBlob({ spec: 2 })];
  for (const [at, run] of RUNS.entries()) {
    await journal.begin(newRun(run, identity(run)), { agent: blobs[at % 2] ?? "" });
    await journal.append(run, "model.response", { text: "größer", at });
  }
  for (const [at, run] of ["r1", "r3"].entries()) {
    const name = CONVERSATIONS[at] ?? "";
    const messages = [{ text: "eins" }, { text: "zwölf" }];
    const conversation = { uid: "uid-a", name, messages, snapshot: "variables", maxMessages: 10 };
    const ended = { data: { value: 1 }, status: "cancel", reason: "timeout", tokens: 5 } as const;
    await journal.end(run, { ...ended, conversation });
  }
  return blobs;
}

/** A generator of numbers below one, the same for the same seed (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Flips one bit of one column. Gives the row as it was, or nothing where the column has no bits or the row must stay unique. */
function flip(database: Database, table: TableName, random: () => number): SqlRow | undefined {
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T;
  const row = pick(database.query(`SELECT rowid AS place, * FROM ${table}`));
  const column = pick(Object.keys(row).filter((name) => name !== "place"));
  const value = row[column];
  const set = (sql: string, changed: bigint | Uint8Array) => {
    try {
      database.query(
        `UPDATE ${table} SET ${column} = ${sql} WHERE rowid = ?`,
        changed,
        Number(row.place),
      );
      return row;
    } catch {
      return undefined;
    }
  };
  if (value === null) return undefined;
  if (typeof value === "number") {
    return set("?", BigInt.asIntN(64, BigInt(value) ^ (1n << BigInt(Math.floor(random() * 64)))));
  }
  const bytes = Buffer.from(value as string | Uint8Array);
  if (bytes.length === 0) return undefined;
  const at = Math.floor(random() * bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  return set(typeof value === "string" ? "CAST(? AS TEXT)" : "?", bytes);
}

/** What is found to be damaged when everything is read. */
async function damaged(journal: Journal, blobs: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  const look = async (name: string, code: string, work: () => Promise<unknown>) => {
    const value = await work().catch((error) => {
      assert.equal(error.code, code, String(error));
      return code;
    });
    if (value === code) found.push(name);
    else assert.notEqual(value, undefined, name);
  };
  for (const run of RUNS) await look(run, "LEG6062", () => journal.steps(run));
  for (const hash of blobs) await look(hash, "LEG6063", () => journal.blob(hash));
  for (const name of CONVERSATIONS) {
    await look(name, "LEG6064", () => journal.conversation("uid-a", name, 10));
  }
  return found;
}

test("R04: one flipped bit in any column of any record is found, and nothing else is concerned", async () => {
  const database = await openDatabase(path.join(root, "flipped"));
  database.query("PRAGMA synchronous = OFF");
  const { journal } = reopened(database);
  const blobs = await fill(journal);
  assert.deepEqual(await damaged(journal, blobs), []);
  for (const table of TABLES)
    database.query(`CREATE TABLE whole_${table} AS SELECT * FROM ${table}`);
  const seen: Record<string, number> = {};
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const random = numbers(seed);
    const table = TABLES[seed % TABLES.length] ?? "runs";
    let row: SqlRow | undefined;
    while (row === undefined) row = flip(database, table, random);
    const victim = String(row.run ?? row.hash ?? row.name);
    const { journal: again } = reopened(database);
    assert.deepEqual(await damaged(again, blobs), [victim], `seed ${seed}: ${table}`);
    if (table === "runs" || table === "steps") {
      // Nothing is begun a second time, whatever the damage.
      const begun = await again.begin(newRun("new", identity(victim)), {});
      assert.deepEqual([begun.run, begun.status], [victim, "quarantined"], `seed ${seed}`);
      assert.ok((await again.runs()).length === RUNS.length);
    }
    seen[table] = (seen[table] ?? 0) + 1;
    database.query("BEGIN");
    for (const name of TABLES) {
      database.query(`DELETE FROM ${name}`);
      database.query(`INSERT INTO ${name} SELECT * FROM whole_${name}`);
    }
    database.query("COMMIT");
  }
  assert.deepEqual(Object.keys(seen).sort(), [...TABLES].sort());
  assert.equal(
    Object.values(seen).reduce((sum, count) => sum + count),
    SEEDS,
  );
  database.close();
});

test("a blob that is kept again is whole again", async () => {
  const { journal, database, close } = await openJournal(path.join(root, "blob"));
  const hash = await journal.keepBlob({ a: 1 });
  database.query("UPDATE blobs SET body = CAST('{}' AS BLOB)");
  await assert.rejects(journal.blob(hash), { code: "LEG6063" });
  await journal.keepBlob({ a: 1 });
  assert.deepEqual(await journal.blob(hash), { a: 1 });
  close();
});
