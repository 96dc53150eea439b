// Goal: what people decided about an agent outlives the process, and an agent that was buried can be dug up with its conversations.
// Method: real SQLite files on a clock that is told to advance, beside a journal that has the conversations.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { newRun, openJournal } from "../testing/journals.ts";
import { GRAVES_KEPT } from "./lifecycles.ts";
import { openSqliteLifecycles } from "./lifecycles-sqlite.ts";

const AT = Date.UTC(2026, 0, 1);
let root = "";
let folders = 0;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "legion-lifecycles-"));
});
after(() => rm(root, { recursive: true, force: true }));

function newFolder(): string {
  folders += 1;
  return path.join(root, `${folders}`);
}

async function open(folder = newFolder()) {
  const opened = await openJournal(folder);
  opened.database.query("PRAGMA synchronous = OFF");
  return { ...opened, folder, lifecycles: openSqliteLifecycles(opened.database, opened) };
}

function grave(uid: string, name = "a") {
  const object = { labels: { l: "1" }, annotations: {}, spec: { description: "é" } };
  return { uid, namespace: "default", name, reason: "deleted", object };
}

/** A turn of an agent in a conversation. */
async function turn({ journal }: Awaited<ReturnType<typeof open>>, uid: string, name: string) {
  const run = `${uid}-${name}-${(await journal.runs()).length}`;
  await journal.begin(newRun(run, { uid, conversation: name }), {});
  const messages = [
    { of: uid, text: "one" },
    { of: uid, text: "two" },
  ];
  const conversation = { uid, name, messages, snapshot: `variables of ${uid}`, maxMessages: 10 };
  await journal.end(run, { data: {}, status: "ok", tokens: 0, conversation });
}

test("the state of an agent is there after closing and opening again, with who wanted it and why", async () => {
  const first = await open();
  const paused = { uid: "u", state: "paused", reason: "lunch", actor: "ann" } as const;
  assert.deepEqual(await first.lifecycles.set(paused), {
    ...paused,
    at: new Date(AT).toISOString(),
  });
  first.clock.advance(5);
  const stopped = await first.lifecycles.set({ ...paused, state: "stopped", actor: "bob" });
  await first.lifecycles.set({ ...paused, uid: "t" });
  first.close();
  const again = await open(first.folder);
  assert.deepEqual(await again.lifecycles.read("u"), stopped);
  assert.equal(stopped.at, new Date(AT + 5).toISOString());
  assert.deepEqual(
    (await again.lifecycles.all()).map(({ uid }) => uid),
    ["t", "u"],
  );
  await again.lifecycles.forget("u");
  assert.equal(await again.lifecycles.read("u"), undefined);
  again.close();
});

test("a grave keeps what was applied last, and of one agent there is one", async () => {
  const { lifecycles, clock, close } = await open();
  await lifecycles.bury(grave("u"));
  await lifecycles.bury(grave("v", "b"));
  clock.advance(5);
  await lifecycles.bury({ ...grave("u"), reason: "terminated" });
  const buriedAt = new Date(AT + 5).toISOString();
  assert.deepEqual(await lifecycles.grave("u"), { ...grave("u"), reason: "terminated", buriedAt });
  assert.deepEqual(
    (await lifecycles.graves()).map(({ uid }) => uid),
    ["u", "v"],
  );
  assert.equal(await lifecycles.grave("w"), undefined);
  close();
});

test("an agent that is dug up has its conversations under its new uid, whole", async () => {
  const opened = await open();
  const { lifecycles, journal, close } = opened;
  for (const name of ["main", "main", "other"]) await turn(opened, "old", name);
  await turn(opened, "new", "other");
  await lifecycles.bury(grave("old"));
  const before = await journal.conversation("old", "main", 10);
  assert.equal(await lifecycles.exhume("none", "new"), false);
  assert.equal(await lifecycles.exhume("old", "new"), true);
  assert.equal(await lifecycles.exhume("old", "new"), false);
  assert.deepEqual(await lifecycles.graves(), []);
  assert.deepEqual(await journal.conversation("new", "main", 10), before);
  assert.equal(before?.messages.length, 4);
  assert.equal(await journal.conversation("old", "main", 10), undefined);
  // What the new one has said already stays its own.
  assert.deepEqual((await journal.conversation("new", "other", 1))?.messages, [
    { of: "new", text: "two" },
  ]);
  await turn(opened, "new", "main");
  assert.equal((await journal.conversation("new", "main", 10))?.turns, 3);
  close();
});

test("a conversation that is damaged keeps an agent from nothing else", async () => {
  const opened = await open();
  const { lifecycles, journal, database, close } = opened;
  for (const name of ["main", "other"]) await turn(opened, "old", name);
  database.query("UPDATE conversation_messages SET body = '{}' WHERE name = 'main' AND seq = 1");
  await lifecycles.bury(grave("old"));
  assert.equal(await lifecycles.exhume("old", "new"), true);
  assert.equal((await journal.conversation("new", "other", 10))?.messages.length, 2);
  assert.equal(await journal.conversation("new", "main", 10), undefined);
  await assert.rejects(journal.conversation("old", "main", 10), { code: "LEG6064" });
  close();
});

test("the oldest graves above the limit are forgotten, with what their agents have said", async () => {
  const opened = await open();
  const { lifecycles, journal, close } = opened;
  for (const uid of ["u0", "u1"]) await turn(opened, uid, "main");
  for (let at = 0; at <= GRAVES_KEPT; at += 1) await lifecycles.bury(grave(`u${at}`));
  assert.equal((await lifecycles.graves()).length, GRAVES_KEPT);
  assert.equal(await lifecycles.grave("u0"), undefined);
  assert.equal(await journal.conversation("u0", "main", 10), undefined);
  assert.notEqual(await journal.conversation("u1", "main", 10), undefined);
  close();
});
