// Goal: a tick is taken once, with its message or without, and what was decided stays decided (R09).
// Method: tables and sequences over a real database file, with a clock that stands.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { manualClock } from "../lib/clock.ts";
import { newId } from "../lib/ids.ts";
import { type Database, openDatabase } from "./database.ts";
import type { Inbox } from "./inbox.ts";
import { openMemoryInbox } from "./inbox-memory.ts";
import { openSqliteInbox } from "./inbox-sqlite.ts";
import { openSqliteStore } from "./sqlite.ts";
import { TICKS_KEPT, type Tick, type TickClaim, type TickState, type Ticks } from "./ticks.ts";
import { openSqliteTicks } from "./ticks-sqlite.ts";

let root = "";
let folders = 0;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "legion-ticks-"));
});
after(() => rm(root, { recursive: true, force: true }));

interface Opened extends Disposable {
  readonly database: Database;
  readonly clock: ReturnType<typeof manualClock>;
  readonly ticks: Ticks;
  readonly inbox: Inbox;
}

async function opened(): Promise<Opened> {
  folders += 1;
  const database = await openDatabase(path.join(root, String(folders)));
  // Nothing here looks at what a power cut leaves.
  database.query("PRAGMA synchronous = OFF");
  const clock = manualClock();
  const ticks = openSqliteTicks(database, { clock });
  await ticks.keep({ uid: "cron", decidedMs: 0 });
  return {
    ...{ database, clock, ticks, inbox: openSqliteInbox(database, { clock }) },
    [Symbol.dispose]: () => database.close(),
  };
}

const tick = (atMs: number, state: TickState = "started", by: Tick["by"] = "schedule") => ({
  ...{ uid: "cron", atMs, by, state },
});
const claim = (atMs: number, by: Tick["by"] = "schedule"): TickClaim => ({ uid: "cron", atMs, by });
const message = (about: object = {}) => ({ id: newId(), uid: "agent", task: "Work.", ...about });

describe("taking a tick", () => {
  test("once: the second one is told, and only a started one counts as a run", async () => {
    using state = await opened();
    const { ticks, clock } = state;
    assert.equal(await ticks.take(tick(10)), true);
    assert.equal(await ticks.take(tick(10)), false);
    assert.equal(await ticks.take(tick(20, "skipped")), true);
    assert.equal(await ticks.take(tick(20)), false);
    assert.deepEqual(await ticks.record("cron"), { uid: "cron", decidedMs: 20, runs: 1 });
    assert.deepEqual(await ticks.list("cron"), [
      { uid: "cron", atMs: 20, by: "schedule", state: "skipped", endedMs: clock.now() },
      { uid: "cron", atMs: 10, by: "schedule", state: "started", startedMs: clock.now() },
    ]);
  });
  test("one that waits may be started, and nothing else may become of it by taking", async () => {
    using state = await opened();
    const { ticks } = state;
    await ticks.take(tick(10, "waiting"));
    assert.equal(await ticks.take(tick(10, "waiting")), false);
    assert.equal(await ticks.take(tick(10, "skipped")), false);
    assert.equal(await ticks.take(tick(10)), true);
    assert.equal(await ticks.take(tick(10)), false);
    assert.equal((await ticks.record("cron"))?.runs, 1);
  });
  test("nothing of the schedule up to what was decided, but whatever a person asks for", async () => {
    using state = await opened();
    const { ticks } = state;
    await ticks.take({ ...tick(50, "missed"), decidedMs: 60 });
    assert.equal(await ticks.take(tick(55)), false);
    assert.equal(await ticks.take(tick(60, "started", "catchup")), false);
    assert.equal(await ticks.take(tick(55, "started", "person")), true);
    assert.equal(await ticks.take(tick(70, "started", "person")), true);
    assert.equal((await ticks.record("cron"))?.decidedMs, 60);
    assert.equal(await ticks.take(tick(61)), true);
  });
  test("none of a cron that was forgotten", async () => {
    using state = await opened();
    const { ticks, inbox } = state;
    await ticks.take(tick(10));
    await ticks.forget("cron");
    assert.equal(await ticks.take(tick(20)), false);
    assert.equal((await inbox.put(message({ tick: claim(20) }))).isTaken, true);
    assert.deepEqual([await ticks.record("cron"), await ticks.list("cron")], [undefined, []]);
  });
  test("so many are kept, and those that wait or run however old they are", async () => {
    using state = await opened();
    const { ticks } = state;
    await ticks.take(tick(1));
    await ticks.take(tick(2, "waiting"));
    for (let atMs = 3; atMs <= TICKS_KEPT + 50; atMs += 1) await ticks.take(tick(atMs, "skipped"));
    const kept = await ticks.list("cron", { limit: 10_000 });
    assert.equal(kept.length, TICKS_KEPT + 2);
    assert.deepEqual(
      kept.slice(-2).map(({ atMs, state }) => [atMs, state]),
      [
        [2, "waiting"],
        [1, "started"],
      ],
    );
    // One that is not kept any more is taken all the same.
    assert.equal(await ticks.take(tick(10)), false);
    assert.equal((await ticks.list("cron")).length, TICKS_KEPT);
    const open = await ticks.list("cron", { states: ["waiting", "started"] });
    assert.deepEqual(
      open.map(({ atMs }) => atMs),
      [2, 1],
    );
  });
});

test("an end is kept of what was started or waited, and only the first one", async () => {
  using state = await opened();
  const { ticks, clock } = state;
  await ticks.take(tick(10));
  await ticks.take(tick(20, "waiting"));
  clock.advance(5);
  await ticks.end("cron", 10, { state: "failed", reason: "it broke" });
  await ticks.end("cron", 10, { state: "ok" });
  await ticks.end("cron", 20, { state: "skipped", reason: "another came" });
  const found = (await ticks.list("cron")).map(({ state, reason, endedMs }) => [
    ...[state, reason, endedMs],
  ]);
  assert.deepEqual(found, [
    ["skipped", "another came", clock.now()],
    ["failed", "it broke", clock.now()],
  ]);
});

test("a record keeps what it is not told, and is never decided back", async () => {
  using state = await opened();
  const { ticks } = state;
  const paused = { reason: "it broke", generation: 3, at: "2026-01-01T00:00:00.000Z" };
  assert.deepEqual(await ticks.keep({ uid: "cron", decidedMs: 90, runs: 4, paused }), {
    ...{ uid: "cron", decidedMs: 90, runs: 4, paused },
  });
  assert.deepEqual(await ticks.keep({ uid: "cron", decidedMs: 30 }), {
    ...{ uid: "cron", decidedMs: 90, runs: 4, paused },
  });
  assert.deepEqual(await ticks.keep({ uid: "cron", paused: null }), {
    ...{ uid: "cron", decidedMs: 90, runs: 4 },
  });
});

describe("a message that takes its tick", () => {
  test("both are there, or the message is not", async () => {
    using state = await opened();
    const { ticks, inbox, clock } = state;
    const first = message({ tick: claim(10) });
    assert.deepEqual(await inbox.put(first), { queued: 1 });
    assert.deepEqual(await inbox.put(message({ tick: claim(10) })), { queued: 1, isTaken: true });
    assert.equal(await inbox.count("agent"), 1);
    assert.deepEqual(await ticks.list("cron"), [
      {
        ...{ uid: "cron", atMs: 10, by: "schedule", state: "started" },
        ...{ message: first.id, startedMs: clock.now() },
      },
    ]);
    assert.deepEqual(await ticks.record("cron"), { uid: "cron", decidedMs: 10, runs: 1 });
    const kept = await inbox.next("agent", "main", clock.now());
    assert.equal(kept?.id, first.id);
    assert.ok(kept !== undefined && !("tick" in kept));
  });
  test("one that waits is started with it", async () => {
    using state = await opened();
    const { ticks, inbox } = state;
    await ticks.take(tick(10, "waiting", "catchup"));
    assert.deepEqual(await inbox.put(message({ tick: claim(10, "catchup") })), { queued: 1 });
    const [kept] = await ticks.list("cron");
    assert.deepEqual([kept?.state, kept?.by], ["started", "catchup"]);
  });
  test("sent again it is the same message, also when it was answered", async () => {
    using state = await opened();
    const { inbox } = state;
    const first = message({ tick: claim(10) });
    await inbox.put(first);
    assert.deepEqual(await inbox.put(first), { queued: 1, duplicateOf: first.id });
    await inbox.finish(first.id, { generation: 1, result: {} });
    assert.deepEqual(await inbox.put(first), { queued: 0, duplicateOf: first.id });
  });
  test("sent again when its outcome is not kept any more, nothing is kept", async () => {
    using state = await opened();
    const { inbox, database } = state;
    const first = message({ tick: claim(10) });
    await inbox.put(first);
    await inbox.finish(first.id, { generation: 1, result: {} });
    database.query("DELETE FROM outcomes");
    assert.deepEqual(await inbox.put(first), { queued: 0, isTaken: true });
  });
  test("a full inbox leaves the tick to be taken", async () => {
    using state = await opened();
    const { ticks, inbox } = state;
    for (let index = 0; index < 1_000; index += 1) await inbox.put(message());
    await assert.rejects(inbox.put(message({ tick: claim(10) })), { code: "LEG6042" });
    assert.deepEqual(await ticks.list("cron"), []);
    assert.deepEqual(await ticks.record("cron"), { uid: "cron", decidedMs: 0, runs: 0 });
  });
  test("an inbox in memory has no ticks", async () => {
    const inbox = openMemoryInbox({ clock: manualClock() });
    await assert.rejects(inbox.put(message({ tick: claim(10) })), /takes no ticks/);
  });
});

test("nothing is written by a process that does not own the folder any more", async () => {
  using state = await opened();
  const { database, clock } = state;
  const store = openSqliteStore(database, { clock });
  const lease = await store.leases.acquire("owner", "me", 1_000);
  assert.ok(lease.acquired);
  const fence = { lease: "owner", epoch: lease.lease.epoch };
  const ticks = openSqliteTicks(database, { clock, fence });
  assert.equal(await ticks.take(tick(10)), true);
  await store.leases.release(lease.lease);
  for (const write of [
    () => ticks.take(tick(20)),
    () => ticks.keep({ uid: "cron", runs: 9 }),
    () => ticks.end("cron", 10, { state: "ok" }),
    () => ticks.forget("cron"),
  ])
    await assert.rejects(write, { code: "LEG6022" });
  assert.equal((await ticks.list("cron"))[0]?.state, "started");
});
