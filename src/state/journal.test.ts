// Goal: a run is known by its key and kept step by step; its end is one thing with its conversation, its message, its vault and its questions; what is old is forgotten.
// Method: the contract over real SQLite files on a clock that stands, with commits counted and made to fail.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { manualClock } from "../lib/clock.ts";
import { canonicalHash } from "../lib/hash.ts";
import { newRun, observedCommits, openJournal } from "../testing/journals.ts";
import { databaseError, openDatabase, type SqlValue } from "./database.ts";
import { openSqliteInbox } from "./inbox-sqlite.ts";
import { STEP_BYTES_MAX } from "./journal.ts";
import { openSqliteJournal } from "./journal-sqlite.ts";
import { openSqliteQuestions } from "./questions-sqlite.ts";
import { openSqliteStore } from "./sqlite.ts";
import { vaultOfMessage } from "./vaults.ts";
import { openSqliteVaults } from "./vaults-sqlite.ts";

const AT = Date.UTC(2026, 0, 1);
const DAY_MS = 24 * 60 * 60 * 1000;
let root = "";
let folders = 0;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "legion-journal-"));
});
after(() => rm(root, { recursive: true, force: true }));

function newFolder(): string {
  folders += 1;
  return path.join(root, `${folders}`);
}

const ok = { data: { status: "ok" }, status: "ok", tokens: 7 } as const;

test("steps come back as they were recorded, with their times, also after closing and opening again", async () => {
  const folder = newFolder();
  const { journal, clock, close } = await openJournal(folder);
  const run = newRun("r1", { message: "m1", parent: "p", key: "message/m1/1" });
  const begun = await journal.begin(run, { task: "é\u0000\ud800x" });
  assert.deepEqual(begun, {
    ...run,
    status: "running",
    startedAt: new Date(AT).toISOString(),
    steps: 1,
    tokens: 0,
  });
  clock.advance(5);
  assert.equal(await journal.append("r1", "model.response", { text: "hello" }), 2);
  close();
  const again = await openJournal(folder);
  assert.deepEqual(await again.journal.steps("r1"), [
    {
      seq: 1,
      at: new Date(AT).toISOString(),
      type: "turn.started",
      data: { task: "é\u0000\ud800x" },
    },
    { seq: 2, at: new Date(AT + 5).toISOString(), type: "model.response", data: { text: "hello" } },
  ]);
  assert.deepEqual(await again.journal.unfinished(), [{ ...begun, steps: 2 }]);
  assert.equal(await again.journal.append("r1", "eval.started", {}), 3);
  again.close();
});

test("beginning with a known key, or a known id, gives that run and keeps nothing, also after its end", async () => {
  const { journal, close } = await openJournal(newFolder());
  const first = await journal.begin(newRun("r1", { key: "k" }), { task: "one" });
  assert.deepEqual(await journal.begin(newRun("r2", { key: "k" }), { task: "two" }), first);
  assert.deepEqual(await journal.begin(newRun("r1"), { task: "three" }), first);
  assert.equal((await journal.steps("r1")).length, 1);
  await journal.end("r1", ok);
  const ended = await journal.begin(newRun("r3", { key: "k" }), { task: "four" });
  assert.deepEqual([ended.run, ended.status, ended.tokens], ["r1", "ok", 7]);
  assert.equal((await journal.runOfKey("k"))?.run, "r1");
  assert.equal(await journal.run("r2"), undefined);
  close();
});

test("a run takes steps while it goes on, and only what is undone after its end", async () => {
  const { journal, close } = await openJournal(newFolder());
  await journal.begin(newRun("r1"), {});
  const refused = { code: "LEG6061" };
  await assert.rejects(journal.append("none", "call.started", {}), { code: "LEG6060" });
  await assert.rejects(journal.end("none", ok), { code: "LEG6060" });
  await assert.rejects(journal.steps("none"), { code: "LEG6060" });
  await assert.rejects(journal.append("r1", "call.reverted", {}), refused);
  await assert.rejects(journal.rolledBack("r1"), refused);
  await journal.end("r1", { ...ok, status: "cancel", reason: "interrupted" });
  await assert.rejects(journal.append("r1", "call.started", {}), refused);
  await assert.rejects(journal.end("r1", ok), refused);
  assert.equal(await journal.append("r1", "call.reverted", { call: "1" }), 3);
  await journal.rolledBack("r1");
  const { status, reason, endedAt } = (await journal.run("r1")) ?? {};
  assert.deepEqual(
    [status, reason, endedAt],
    ["rolled-back", "interrupted", new Date(AT).toISOString()],
  );
  assert.deepEqual(await journal.unfinished(), []);
  close();
});

test("a step above the limit is refused alone", async () => {
  const { journal, close } = await openJournal(newFolder());
  await journal.begin(newRun("r1"), {});
  const large = journal.append("r1", "call.result", { text: "x".repeat(STEP_BYTES_MAX) });
  const small = journal.append("r1", "call.result", { text: "x" });
  await assert.rejects(large, { code: "LEG6065" });
  assert.equal(await small, 2);
  close();
});

test("what is written in one tick is one transaction, and settles in its order; a refusal fails alone", async () => {
  const { database, commits } = observedCommits(await openDatabase(newFolder()));
  const journal = openSqliteJournal(database, { clock: manualClock() });
  const before = commits();
  const order: string[] = [];
  const told = (name: string, work: Promise<unknown>) =>
    work.then(
      () => order.push(name),
      (error) => order.push(`${name} ${error.code}`),
    );
  await Promise.all([
    told("begin", journal.begin(newRun("r1"), {})),
    ...[2, 3, 4].map((seq) => told(`step ${seq}`, journal.append("r1", "call.started", { seq }))),
    told("other", journal.append("none", "call.started", {})),
    told("step 5", journal.append("r1", "call.result", { seq: 5 })),
  ]);
  assert.equal(commits() - before, 1);
  assert.deepEqual(order, ["begin", "step 2", "step 3", "step 4", "other LEG6060", "step 5"]);
  assert.equal((await journal.steps("r1")).length, 5);
  database.close();
});

test("R05: a commit that fails rejects all of its batch with the typed error, and leaves nothing of it", async () => {
  const { database, failNext } = observedCommits(await openDatabase(newFolder()));
  const journal = openSqliteJournal(database, { clock: manualClock() });
  await journal.begin(newRun("r1"), {});
  const full = Object.assign(new Error("full"), { errcode: 13 });
  failNext(databaseError(full, database.file));
  const batch = [1, 2, 3].map((at) => journal.append("r1", "call.started", { at }));
  for (const { reason } of (await Promise.allSettled(batch)) as PromiseRejectedResult[])
    assert.equal(reason.code, "LEG6003");
  assert.equal((await journal.steps("r1")).length, 1);
  assert.equal(await journal.append("r1", "call.started", {}), 2);
  database.close();
});

test("R07: after a flush that failed nothing more is written", async () => {
  const { database, failNext } = observedCommits(await openDatabase(newFolder()));
  const journal = openSqliteJournal(database, { clock: manualClock() });
  await journal.begin(newRun("r1"), {});
  failNext(databaseError(Object.assign(new Error("io"), { errcode: 1034 }), database.file));
  await assert.rejects(journal.append("r1", "call.started", {}), { code: "LEG6006" });
  await assert.rejects(journal.append("r1", "call.started", {}), { code: "LEG6006" });
  database.close();
});

test("R33: a process that lost the folder records nothing", async () => {
  const clock = manualClock();
  const database = await openDatabase(newFolder());
  const store = openSqliteStore(database, { clock });
  const { lease } = await store.leases.acquire("folder", "one", 1_000);
  const fence = { lease: "folder", epoch: lease.epoch };
  const journal = openSqliteJournal(database, { clock, fence });
  await journal.begin(newRun("r1"), {});
  await store.leases.acquire("folder", "two", 1_000, { epoch: lease.epoch });
  const writes = [
    () => journal.begin(newRun("r2"), {}),
    () => journal.append("r1", "call.started", {}),
    () => journal.end("r1", ok),
    () => journal.keepBlob({}),
    () => journal.forgetConversation("uid-a", "main"),
    () => journal.prune({ beforeMs: 0, keptPerAgent: 1 }),
  ];
  for (const write of writes) await assert.rejects(write(), { code: "LEG6022" });
  const other = openSqliteJournal(database, { clock });
  assert.equal((await other.steps("r1")).length, 1);
  database.close();
});

test("the end of a run is one transaction with its conversation, message, vault and questions", async () => {
  const clock = manualClock();
  const { database, commits, failNext } = observedCommits(await openDatabase(newFolder()));
  const options = { clock };
  const journal = openSqliteJournal(database, options);
  const inbox = openSqliteInbox(database, options);
  const vaults = openSqliteVaults(database, options);
  const questions = openSqliteQuestions(database, options);
  const told: string[] = [];
  questions.onChange(({ id, state }) => told.push(`${id} ${state}`));
  await inbox.put({ id: "m1", uid: "uid-a", task: "x" });
  await vaults.keep(vaultOfMessage("m1"), { user: "u" });
  await vaults.keep("r1", { user: "u" });
  await journal.begin(newRun("r1", { message: "m1" }), {});
  const question = {
    uid: "uid-a",
    agent: "a",
    text: "?",
    type: "question",
    expiresAtMs: 1,
  } as const;
  await questions.ask({ ...question, id: "q1", key: "k1", run: "r1" });
  await questions.ask({ ...question, id: "q2", key: "k2", run: "r2" });
  const messages = [{ text: "one" }, { text: "two" }];
  const end = {
    ...ok,
    conversation: { uid: "uid-a", name: "main", messages, snapshot: "vars", maxMessages: 10 },
    answer: { message: "m1", generation: 3, result: { value: 1 } },
  };
  const look = async () => ({
    status: (await journal.run("r1"))?.status,
    messages: (await journal.conversation("uid-a", "main", 10))?.messages,
    waiting: await inbox.count("uid-a"),
    outcome: (await inbox.outcome("m1"))?.result,
    vaults: [await vaults.read("r1"), await vaults.read(vaultOfMessage("m1"))],
    questions: (await questions.list()).map(({ id }) => id),
    spent: await journal.spent("uid-a", 0),
  });
  const before = await look();
  failNext(new Error("no"));
  await assert.rejects(journal.end("r1", end));
  assert.deepEqual(await look(), before);
  const count = commits();
  await journal.end("r1", end);
  assert.equal(commits() - count, 1);
  assert.deepEqual(await look(), {
    status: "ok",
    messages,
    waiting: 0,
    outcome: { value: 1 },
    vaults: [undefined, undefined],
    questions: ["q2"],
    spent: { tokens: 7, turns: 1 },
  });
  assert.deepEqual(told, ["q1 pending", "q2 pending", "q1 withdrawn"]);
  database.close();
});

test("to begin a run, or to go on with it, counts an attempt of its message; to find its end does not", async () => {
  const { journal, database, clock, close } = await openJournal(newFolder());
  const inbox = openSqliteInbox(database, { clock });
  await inbox.put({ id: "m1", uid: "uid-a", task: "x" });
  const attempts = async () => (await inbox.next("uid-a", "main", 0))?.attempts;
  const run = newRun("r1", { message: "m1", key: "message/m1/1" });
  await journal.begin(run, {});
  assert.equal(await attempts(), 1);
  await journal.begin({ ...run, run: "r2" }, {});
  assert.equal(await attempts(), 2);
  await journal.end("r1", { ...ok, status: "cancel", reason: "provider_failed" });
  await journal.begin({ ...run, run: "r3" }, {});
  assert.equal(await attempts(), 2);
  close();
});

test("a message that is redriven begins a new run under the key that its first delivery had", async () => {
  const { journal, database, clock, close } = await openJournal(newFolder());
  const inbox = openSqliteInbox(database, { clock });
  await inbox.put({ id: "m1", uid: "uid-a", task: "x" });
  const run = newRun("r1", { message: "m1", key: "message/m1/1" });
  await journal.begin(run, {});
  await journal.end("r1", { ...ok, status: "cancel", reason: "provider_failed" });
  await inbox.bury("m1", "no provider");
  await inbox.redrive("uid-a");
  const again = await journal.begin({ ...run, run: "r2" }, {});
  assert.deepEqual([again.run, again.status], ["r2", "running"]);
  assert.equal((await journal.steps("r1")).length, 2);
  close();
});

test("runs are listed newest first, by what is asked for", async () => {
  const { journal, close } = await openJournal(newFolder());
  await journal.begin(newRun("r1"), {});
  await journal.begin(newRun("r2", { uid: "uid-b", agent: "b" }), {});
  await journal.begin(newRun("r3", { parent: "r1" }), {});
  await journal.end("r3", { ...ok, status: "cancel", reason: "timeout" });
  const ids = async (query?: Parameters<typeof journal.runs>[0]) =>
    (await journal.runs(query)).map(({ run }) => run);
  const rows = [
    [undefined, ["r3", "r2", "r1"]],
    [{ limit: 2 }, ["r3", "r2"]],
    [{ agent: "a" }, ["r3", "r1"]],
    [{ uid: "uid-b" }, ["r2"]],
    [{ parent: "r1" }, ["r3"]],
    [{ status: "running" }, ["r2", "r1"]],
    [{ agent: "a", status: "running" }, ["r1"]],
  ] as const;
  for (const [query, expected] of rows) assert.deepEqual(await ids(query), expected);
  close();
});

test("R42: no list of runs and no end of one has to sort or to look at all that there are", async () => {
  const database = await openDatabase(newFolder());
  const plans = new Set<string>();
  const explained = {
    ...database,
    query: (sql: string, ...values: SqlValue[]) => {
      if (/^(SELECT|DELETE|UPDATE)/.test(sql)) {
        for (const row of database.query(`EXPLAIN QUERY PLAN ${sql}`, ...values))
          plans.add(`${row.detail}`);
      }
      return database.query(sql, ...values);
    },
  };
  const journal = openSqliteJournal(explained, { clock: manualClock() });
  await journal.begin(newRun("r1", { message: "m1", parent: "p", key: "k" }), {});
  await journal.append("r1", "call.started", {});
  const queries = [{}, { agent: "a" }, { status: "running" }, { parent: "p" }] as const;
  for (const query of queries) await journal.runs(query);
  await journal.unfinished();
  await journal.steps("r1");
  const conversation = { uid: "uid-a", name: "main", messages: [{}], maxMessages: 10 };
  const answer = { message: "m1", generation: 1, result: {} };
  await journal.end("r1", { ...ok, conversation, answer });
  await journal.conversation("uid-a", "main", 10);
  const slow = [...plans].filter((plan) => /TEMP B-TREE|SCAN (steps|blob|conv|spend)/.test(plan));
  assert.deepEqual(slow, []);
  database.close();
});

test("a blob is kept once, by the hash of its canonical JSON", async () => {
  const { journal, database, close } = await openJournal(newFolder());
  const hash = await journal.keepBlob({ b: [1], a: "é" });
  assert.equal(hash, canonicalHash({ a: "é", b: [1] }));
  assert.equal(await journal.keepBlob({ a: "é", b: [1] }), hash);
  assert.deepEqual(await journal.blob(hash), { a: "é", b: [1] });
  assert.equal(await journal.blob("0".repeat(64)), undefined);
  assert.equal(database.query("SELECT COUNT(*) AS count FROM blobs")[0]?.count, 1);
  close();
});

test("a conversation keeps its newest messages and the variables of its last turn", async () => {
  const { journal, clock, close } = await openJournal(newFolder());
  const turn = async (run: string, from: number, to: number, snapshot?: string) => {
    await journal.begin(newRun(run), {});
    const messages = Array.from({ length: to - from + 1 }, (_, at) => ({ at: from + at }));
    const kept = { uid: "uid-a", name: "main", messages, maxMessages: 5 };
    await journal.end(run, { ...ok, conversation: { ...kept, ...(snapshot && { snapshot }) } });
  };
  assert.equal(await journal.conversation("uid-a", "main", 5), undefined);
  await turn("r1", 1, 3, "one");
  clock.advance(10);
  await turn("r2", 4, 1_200);
  assert.deepEqual(await journal.conversation("uid-a", "main", 2), {
    messages: [{ at: 1_199 }, { at: 1_200 }],
    turns: 2,
  });
  const all = await journal.conversation("uid-a", "main", 5_000);
  assert.deepEqual([all?.messages.length, all?.messages[0]], [1_000, { at: 201 }]);
  assert.deepEqual(await journal.conversations("uid-a"), [
    {
      uid: "uid-a",
      name: "main",
      createdAt: new Date(AT).toISOString(),
      updatedAt: new Date(AT + 10).toISOString(),
      turns: 2,
      messages: 1_000,
    },
  ]);
  assert.equal(await journal.forgetConversation("uid-a", "main"), true);
  assert.equal(await journal.forgetConversation("uid-a", "main"), false);
  assert.equal(await journal.conversation("uid-a", "main", 5), undefined);
  close();
});

test("old runs are forgotten with their steps and what only they used, and above the limit of an agent the oldest", async () => {
  const { journal, database, clock, close } = await openJournal(newFolder());
  const old = await journal.keepBlob({ spec: 1 });
  const shared = await journal.keepBlob({ spec: 2 });
  await journal.begin(newRun("waits"), { agent: shared });
  await journal.begin(newRun("old"), { agent: old, also: shared });
  await journal.end("old", ok);
  clock.advance(DAY_MS);
  for (const run of ["b1", "b2", "b3"]) {
    await journal.begin(newRun(run, { uid: "uid-b", agent: "b" }), { agent: shared });
    await journal.end(run, ok);
    clock.advance(1);
  }
  await journal.begin(newRun("new"), {});
  await journal.end("new", ok);
  assert.equal(await journal.prune({ beforeMs: AT + DAY_MS, keptPerAgent: 2 }), 2);
  const left = (await journal.runs()).map(({ run }) => run);
  assert.deepEqual(left, ["new", "b3", "b2", "waits"]);
  assert.equal(await journal.blob(old), undefined);
  assert.deepEqual(await journal.blob(shared), { spec: 2 });
  assert.equal(await journal.append("waits", "call.started", {}), 2);
  const steps = database.query("SELECT DISTINCT run FROM steps ORDER BY run");
  assert.deepEqual(
    steps.map(({ run }) => run),
    ["b2", "b3", "new", "waits"],
  );
  // What was spent is known for longer than how.
  assert.deepEqual(await journal.spent("uid-b", AT + DAY_MS + 1), { tokens: 14, turns: 2 });
  assert.deepEqual(await journal.spent("uid-a", 0), { tokens: 14, turns: 2 });
  close();
});
