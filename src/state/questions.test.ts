// Goal: a question is asked once and decided once, outlives the process, and is known by a part of its id.
// Method: real SQLite files on a clock that is told to advance; listeners write down what they hear.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { manualClock } from "../lib/clock.ts";
import { newRun } from "../testing/journals.ts";
import { openDatabase } from "./database.ts";
import { openSqliteJournal } from "./journal-sqlite.ts";
import {
  type NewQuestion,
  QUESTION_BYTES_MAX,
  QUESTIONS_KEPT,
  QUESTIONS_PENDING_MAX,
  type QuestionState,
} from "./questions.ts";
import { openSqliteQuestions } from "./questions-sqlite.ts";
import { openSqliteStore } from "./sqlite.ts";

const AT = Date.UTC(2026, 0, 1);
let root = "";
let folders = 0;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "legion-questions-"));
});
after(() => rm(root, { recursive: true, force: true }));

function newFolder(): string {
  folders += 1;
  return path.join(root, `${folders}`);
}

async function open(folder = newFolder()) {
  const clock = manualClock();
  const database = await openDatabase(folder);
  database.query("PRAGMA synchronous = OFF");
  return { folder, clock, database, questions: openSqliteQuestions(database, { clock }) };
}

function question(id: string, more: Partial<NewQuestion> = {}): NewQuestion {
  const base = { type: "question", uid: "uid-a", agent: "a", run: "r1", text: "why?" } as const;
  return { id, key: `key-${id}`, ...base, expiresAtMs: AT + 1_000, ...more };
}

test("a question comes back as it was asked, also from a file that was opened again; its key asks once", async () => {
  const { folder, questions, database } = await open();
  const call = { name: "files.write", argument: { path: "é" }, hash: "h" };
  const asked = question("01A", {
    type: "approval",
    choices: ["x"],
    schema: { type: "string" },
    call,
  });
  const kept = await questions.ask(asked);
  assert.deepEqual(kept, { ...asked, state: "pending", askedAt: new Date(AT).toISOString() });
  assert.deepEqual(await questions.ask({ ...asked, id: "01B", text: "again?" }), kept);
  database.close();
  const again = await open(folder);
  assert.deepEqual(await again.questions.list(), [kept]);
  assert.deepEqual(await again.questions.read("01A"), kept);
  assert.equal(await again.questions.read("01B"), undefined);
  again.database.close();
});

for (const state of ["answered", "approved", "denied", "expired", "withdrawn"] as const) {
  test(`a question that is ${state} is decided once, and its key gives the decision`, async () => {
    const { questions, clock, database } = await open();
    await questions.ask(question("01A"));
    clock.advance(5);
    const decision = { state, by: "ann", answer: { yes: true }, reason: "because" };
    const decided = await questions.decide("01A", decision);
    assert.deepEqual(decided, {
      ...question("01A"),
      askedAt: new Date(AT).toISOString(),
      ...decision,
      decidedAt: new Date(AT + 5).toISOString(),
    });
    await assert.rejects(questions.decide("01A", { state: "denied", by: "bob" }), {
      code: "LEG6071",
      message: /by ann at/,
    });
    assert.deepEqual(await questions.ask(question("01B", { key: "key-01A" })), decided);
    database.close();
  });
}

test("a question is found by the beginning or the end of its id where it is the only one", async () => {
  const { questions, database } = await open();
  for (const id of ["01KAAA111", "01KAAB222", "01KBCC322"]) await questions.ask(question(id));
  const rows = [
    ["01KB", "01KBCC322"],
    ["111", "01KAAA111"],
    ["aab222", "01KAAB222"],
    ["22", ["01KAAB222", "01KBCC322"]],
    ["01K", ["01KAAA111", "01KAAB222", "01KBCC322"]],
    ["AAB", undefined],
    ["", undefined],
    ["%", undefined],
  ] as const;
  for (const [part, found] of rows) {
    const deciding = questions.decide(part, { state: "denied", by: "ann" });
    if (typeof found === "string") {
      assert.equal((await deciding).id, found);
      database.query(
        "UPDATE questions SET state = 'pending', body = json_set(body, '$.state', 'pending')",
      );
      continue;
    }
    await assert.rejects(deciding, (error: { code?: string; valid?: readonly string[] }) => {
      assert.equal(error.code, "LEG6070");
      assert.deepEqual(error.valid, found);
      return true;
    });
  }
  database.close();
});

test("questions are listed newest first, those that wait unless told", async () => {
  const { questions, database } = await open();
  for (const id of ["1", "2", "3"]) await questions.ask(question(id));
  await questions.ask(question("4", { uid: "uid-b" }));
  await questions.decide("2", { state: "approved", by: "ann" });
  const rows: readonly [Parameters<typeof questions.list>[0], readonly string[]][] = [
    [undefined, ["4", "3", "1"]],
    [{ state: "all" }, ["4", "3", "2", "1"]],
    [{ state: "approved" }, ["2"]],
    [{ uid: "uid-a" }, ["3", "1"]],
    [{ state: "all", uid: "uid-a", limit: 2 }, ["3", "2"]],
  ];
  for (const [query, expected] of rows) {
    assert.deepEqual(
      (await questions.list(query)).map(({ id }) => id),
      expected,
    );
  }
  database.close();
});

test("who listens hears of each change once, and no more after having ended it", async () => {
  const { questions, database, clock } = await open();
  const heard: [string, QuestionState][] = [];
  const end = questions.onChange(({ id, state }) => heard.push([id, state]));
  const other = openSqliteQuestions(database, { clock });
  await questions.ask(question("1"));
  await questions.ask(question("1"));
  await other.ask(question("2"));
  await questions.ask(question("3", { run: "r2" }));
  await questions.withdraw("r1");
  await questions.withdraw("r1");
  end();
  await questions.decide("3", { state: "denied", by: "ann" });
  assert.deepEqual(heard, [
    ["1", "pending"],
    ["2", "pending"],
    ["3", "pending"],
    ["1", "withdrawn"],
    ["2", "withdrawn"],
  ]);
  database.close();
});

test("only so many wait, and of one only so much is kept", async () => {
  const { questions, database } = await open();
  const text = "x".repeat(QUESTION_BYTES_MAX);
  await assert.rejects(questions.ask(question("large", { text })), { code: "LEG6072" });
  for (let at = 0; at < QUESTIONS_PENDING_MAX; at += 1) await questions.ask(question(`q${at}`));
  await assert.rejects(questions.ask(question("more")), { code: "LEG6072" });
  await questions.ask(question("other", { uid: "uid-b" }));
  await questions.decide("q1", { state: "denied", by: "ann" });
  await questions.ask(question("more"));
  database.close();
});

test("decided questions are forgotten when there are many newer ones, but not those of a run that goes on", async () => {
  const { questions, database, clock } = await open();
  const journal = openSqliteJournal(database, { clock });
  await journal.begin(newRun("r1"), {});
  for (const run of ["r1", "r0"]) {
    await questions.ask(question(run, { run }));
    await questions.decide(run, { state: "denied", by: "ann" });
  }
  await questions.ask(question("last"));
  database.query("UPDATE questions SET position = position + ? WHERE id = 'last'", QUESTIONS_KEPT);
  await questions.decide("last", { state: "denied", by: "ann" });
  const left = (await questions.list({ state: "all" })).map(({ id }) => id);
  assert.deepEqual(left, ["last", "r1"]);
  database.close();
});

test("R33: a process that lost the folder neither asks nor decides", async () => {
  const { questions, database, clock } = await open();
  const { leases } = openSqliteStore(database, { clock });
  const { lease } = await leases.acquire("folder", "one", 1_000);
  const fence = { lease: "folder", epoch: lease.epoch };
  const mine = openSqliteQuestions(database, { clock, fence });
  await mine.ask(question("1"));
  await leases.acquire("folder", "two", 1_000, { epoch: lease.epoch });
  const fenced = { code: "LEG6022" };
  await assert.rejects(mine.ask(question("2")), fenced);
  await assert.rejects(mine.decide("1", { state: "denied", by: "ann" }), fenced);
  await assert.rejects(mine.withdraw("r1"), fenced);
  assert.equal((await questions.list())[0]?.state, "pending");
  database.close();
});
