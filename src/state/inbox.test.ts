// Goal: every driver keeps the one contract of the inbox, and a disk that fails loses no message that was acknowledged.
// Method: the contract's cases over memory and over real SQLite files, and what only files can show: other connections, reopening, a failed flush.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { manualClock } from "../lib/clock.ts";
import { put, write } from "./contract/case.ts";
import { deliveryCases } from "./contract/delivery-cases.ts";
import { inboxCases, type OpenedInbox } from "./contract/inbox-cases.ts";
import { type Database, databaseError, openDatabase } from "./database.ts";
import { memoryInboxTables } from "./inbox-memory.ts";
import { inboxOverTables } from "./inbox-over-tables.ts";
import { openSqliteInbox } from "./inbox-sqlite.ts";
import { memoryTables } from "./memory.ts";
import { openSqliteStore } from "./sqlite.ts";
import { storeOverTables } from "./store-over-tables.ts";

let root = "";
let folders = 0;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "legion-inbox-"));
});
after(() => rm(root, { recursive: true, force: true }));

function newFolder(): string {
  folders += 1;
  return path.join(root, `${folders}`);
}

async function openMemory(): Promise<OpenedInbox> {
  const clock = manualClock();
  const tables = memoryTables(100);
  const messages = memoryInboxTables(tables);
  return {
    clock,
    store: storeOverTables(tables, { clock }),
    inbox: inboxOverTables(messages, { clock }),
    fenced: (fence) => inboxOverTables(messages, { clock, fence }),
    close: async () => {},
  };
}

async function openSqlite(): Promise<OpenedInbox> {
  const clock = manualClock();
  const database = await openDatabase(newFolder());
  return {
    clock,
    store: openSqliteStore(database, { clock }),
    inbox: openSqliteInbox(database, { clock }),
    fenced: (fence) => openSqliteInbox(database, { clock, fence }),
    close: async () => database.close(),
  };
}

for (const [driver, open] of Object.entries({ memory: openMemory, sqlite: openSqlite })) {
  for (const { name, check } of [...inboxCases, ...deliveryCases]) {
    test(`${driver}: ${name}`, async () => {
      const opened = await open();
      try {
        await check(opened);
      } finally {
        await opened.close();
      }
    });
  }
}

const answer = { generation: 1, result: { status: "ok" } };

test("sqlite: messages, attempts and outcomes are there after closing and opening again", async () => {
  const folder = newFolder();
  const options = { clock: manualClock() };
  const first = await openDatabase(folder);
  const inbox = openSqliteInbox(first, options);
  await inbox.put({ id: "1", uid: "a", task: "x" });
  await inbox.put({ id: "2", uid: "a", task: "y" });
  await inbox.finish("1", answer);
  await inbox.begin("2");
  first.close();
  const second = await openDatabase(folder);
  const again = openSqliteInbox(second, options);
  const next = await again.next("a", "main", 0);
  assert.deepEqual([next?.id, next?.attempts], ["2", 1]);
  assert.deepEqual((await again.outcome("1"))?.result, answer.result);
  second.close();
});

test("sqlite: R07: after a failed flush neither the inbox nor the store of that connection writes again", async () => {
  const clock = manualClock();
  const database = await openDatabase(newFolder());
  let failing = false;
  const flaky: Database = {
    ...database,
    query(sql, ...values) {
      if (!failing || sql !== "COMMIT") return database.query(sql, ...values);
      failing = false;
      // SQLITE_IOERR_FSYNC, as node:sqlite throws it.
      const error = Object.assign(new Error("disk I/O error"), { errcode: 1034 });
      throw databaseError(error, database.file);
    },
  };
  const inbox = openSqliteInbox(flaky, { clock });
  const store = openSqliteStore(flaky, { clock });
  await inbox.put({ id: "1", uid: "a", task: "x" });
  failing = true;
  await assert.rejects(inbox.put({ id: "2", uid: "a", task: "y" }), { code: "LEG6006" });
  await assert.rejects(inbox.finish("1", answer), { code: "LEG6006" });
  await assert.rejects(write(store, [put("a")]), { code: "LEG6006" });
  const found = openSqliteInbox(database, { clock });
  assert.equal(await found.count("a"), 1);
  database.close();
});
