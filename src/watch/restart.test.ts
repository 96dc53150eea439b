// Goal: a restart goes on where the process before was: for, history, counts, what waits to be told, and the places of sources.
// Method: watchers over a real SQLite database are closed, or left as a killed process leaves them, and made again over the same rows.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import type { JsonObject } from "../lib/json.ts";
import { openDatabase } from "../state/database.ts";
import { openSqliteWatching } from "../state/watching-sqlite.ts";
import { manualTime } from "../testing/manual-timers.ts";
import {
  memoryWatching,
  type TestWatchers,
  testWatchers,
  watcherKey,
} from "../testing/watchers.ts";

let root = "";
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), "legion-watchers-"));
});
after(() => rm(root, { recursive: true, force: true }));

const down = { status: 500 };
const up = { status: 200 };
const day = 86_400_000;

/** A database in which processes follow one another on one clock. */
async function processes(name: string) {
  const database = await openDatabase(path.join(root, name));
  let startMs = Date.UTC(2026, 0, 1);
  const states = (time = manualTime(startMs)) =>
    openSqliteWatching(database, { clock: time.clock });
  return {
    /** Another process, so much later on the wall clock. Its monotonic clock begins anew. */
    start(laterMs: number, places: Record<string, JsonObject> = {}): TestWatchers {
      startMs += laterMs;
      const time = manualTime(startMs);
      return testWatchers({ time, states: states(time), places });
    },
    /** The moment at which a process ends. */
    ended(t: TestWatchers) {
      startMs = t.time.clock.now();
    },
    rows: () => database.query("SELECT uid, body FROM watchers ORDER BY uid"),
    close: () => database.close(),
  };
}

for (const ending of ["closed", "killed"] as const) {
  test(`a process that was ${ending} loses nothing of for, over polls and over time`, async () => {
    const all = await processes(`for-${ending}`);
    const first = all.start(0);
    Object.assign(first.sees, { polls: down, time: down });
    await first.ensure("polls", { trigger: "when status >= 500 for 8 polls" });
    await first.ensure("time", { trigger: "when status >= 500 for 20s" });
    await first.advance(6_000);
    assert.equal(first.deliveries.length, 0);
    if (ending === "closed") await first.watchers.close();
    all.ended(first);
    const second = all.start(3_000);
    Object.assign(second.sees, { polls: down, time: down });
    await second.ensure("polls", { trigger: "when status >= 500 for 8 polls" });
    await second.ensure("time", { trigger: "when status >= 500 for 20s" });
    assert.equal(second.state("polls").state, "pending");
    await second.advance(2_500);
    assert.deepEqual(
      second.deliveries.map(({ watcher }) => watcher.name),
      ["polls"],
      "six polls before and two after",
    );
    await second.advance(10_000);
    assert.equal(
      second.state("time").state,
      "firing",
      "20 s are over, with the 3 s of the restart",
    );
    all.close();
  });
}

test("a night in which no process ran does not satisfy a for, and does end a cooldown", async () => {
  const all = await processes("night");
  const first = all.start(0);
  Object.assign(first.sees, { lasting: down, cooling: (look: number) => (look % 2 ? down : up) });
  const lasting = "when status >= 500 for 5m";
  const cooling = "when status >= 500 cooldown 1h";
  await first.ensure("lasting", { trigger: lasting });
  await first.ensure("cooling", { trigger: cooling });
  await first.advance(60_000);
  assert.equal(first.deliveries.length, 1);
  await first.watchers.close();
  all.ended(first);
  const second = all.start(day / 2);
  Object.assign(second.sees, { lasting: down, cooling: down });
  await second.ensure("lasting", { trigger: lasting });
  await second.ensure("cooling", { trigger: cooling });
  await second.advance(10_000);
  assert.equal(second.state("lasting").state, "pending");
  assert.equal(second.state("cooling").fires, 2);
  await second.advance(240_000);
  assert.equal(second.state("lasting").state, "firing");
  all.close();
});

test("a wall clock that is behind after a restart neither stops a watcher nor makes it fire", async () => {
  const all = await processes("behind");
  const first = all.start(0);
  first.sees.shop = down;
  await first.ensure("shop", { trigger: "when status >= 500 for 1m" });
  await first.advance(30_000);
  await first.watchers.close();
  all.ended(first);
  const second = all.start(-day);
  second.sees.shop = down;
  await second.ensure("shop", { trigger: "when status >= 500 for 1m" });
  await second.advance(25_000);
  assert.equal(second.state("shop").state, "pending");
  await second.advance(10_000);
  assert.equal(second.state("shop").state, "firing");
  all.close();
});

test("a trigger that changed while no process ran begins anew, with an event; another recovery does not", async () => {
  const all = await processes("changed");
  const first = all.start(0);
  Object.assign(first.sees, { a: down, b: down });
  await first.ensure("a", { trigger: "when status >= 500 for 4 polls" });
  await first.ensure("b", { trigger: "when status >= 500 for 4 polls" });
  await first.advance(3_000);
  await first.watchers.close();
  all.ended(first);
  const second = all.start(1_000);
  Object.assign(second.sees, { a: down, b: down });
  await second.ensure("a", { trigger: "when status >= 500 for 5 polls" }, 2);
  await second.ensure("b", { trigger: "when status >= 500 for 4 polls", recovery: "wake" }, 2);
  assert.deepEqual(
    second.events.map(({ reason }) => reason),
    ["HistoryReset"],
  );
  assert.deepEqual([second.state("a").polls, second.state("b").polls], [0, 3]);
  await second.advance(1_500);
  assert.deepEqual([second.state("a").fires, second.state("b").fires], [0, 1]);
  all.close();
});

test("history goes on; a killed process loses at most what grew in the last seconds", async () => {
  const all = await processes("history");
  const trigger = "when count(status, 60 polls) >= 60";
  const first = all.start(0);
  first.sees.shop = up;
  await first.ensure("shop", { trigger });
  await first.advance(50_500);
  all.ended(first);
  const second = all.start(1_000);
  second.sees.shop = up;
  const { polls } = await second.ensure("shop", { trigger });
  assert.ok(polls >= 44 && polls <= 50, `${polls} polls were kept`);
  await second.advance((60 - polls) * 1_000 + 1_000);
  assert.equal(second.state("shop").fires, 1);
  all.close();
});

test("what waits to be told is told by the next process, with the same id, before what comes then", async () => {
  const all = await processes("waits");
  const refused = { code: "LEG2071", message: "the agent is stopped", hint: "resume it" } as const;
  const spec = { trigger: "when status >= 500", recovery: 'wake "again"' };
  const first = all.start(0);
  first.deliver = async () => ({ type: "retry", error: refused });
  first.sees.shop = (look) => (look === 2 ? down : up);
  await first.ensure("shop", spec);
  await first.advance(5_000);
  const [told] = first.deliveries;
  all.ended(first);
  const second = all.start(1_000);
  second.sees.shop = (look) => (look === 2 ? down : up);
  const { pending } = await second.ensure("shop", spec);
  assert.equal(pending, 2);
  await second.advance(5_000);
  assert.deepEqual(second.deliveries[0], told);
  assert.deepEqual(
    second.deliveries.map(({ id }) => id.split("/").at(-1)),
    ["1", "2", "3", "4"],
  );
  all.close();
});

test("the end of firing that the next process sees is told, as the fire was", async () => {
  const all = await processes("ends");
  const spec = { trigger: "when status >= 500", recovery: 'wake "again"' };
  const first = all.start(0);
  first.sees.shop = down;
  await first.ensure("shop", spec);
  await first.advance(3_000);
  all.ended(first);
  const second = all.start(1_000);
  second.sees.shop = up;
  assert.equal((await second.ensure("shop", spec)).state, "firing");
  await second.advance(3_000);
  assert.deepEqual(
    second.deliveries.map(({ action }) => action.text),
    ["again"],
  );
  all.close();
});

test("a source goes on from its place, and one that looks at something else does not", async () => {
  const all = await processes("place");
  const first = all.start(0, { shop: { offset: 17 } });
  first.sees.shop = up;
  await first.ensure("shop", { trigger: "when status >= 500" });
  await first.advance(2_000);
  await first.watchers.close();
  all.ended(first);
  const places: Record<string, JsonObject> = {};
  const second = all.start(1_000, places);
  await second.ensure("shop", { trigger: "when status >= 400", interval: "2s" });
  assert.deepEqual(places.shop, { offset: 17 }, "only the trigger is another one");
  await second.watchers.close();
  const others: Record<string, JsonObject> = {};
  const third = all.start(1_000, others);
  await third.ensure("shop", { trigger: "when status >= 400", arguments: { other: true } });
  assert.equal(others.shop, undefined);
  all.close();
});

test("the place that is kept is that of the last look that was taken, not of one that goes on", async () => {
  const time = manualTime();
  const states = memoryWatching(time.clock);
  const places: Record<string, JsonObject> = {};
  const t = testWatchers({ time, states, places });
  t.sees.log = (look) => {
    places.log = { offset: look * 10 };
    return look < 3 ? down : new Promise(() => undefined);
  };
  await t.ensure("log", { trigger: "when status >= 500 every poll" });
  await t.advance(3_000);
  assert.deepEqual(places.log, { offset: 30 });
  const kept = () => JSON.parse(states.rows.get("uid-log") ?? "{}");
  assert.deepEqual(kept().source, { offset: 20 });
  await t.advance(20_000);
  assert.deepEqual(kept().source, { offset: 20 }, "also when it was left behind");
  assert.equal(kept().record.error.code, "LEG2702");
});

test("what a look gave that was not taken is given again", async () => {
  const places: Record<string, JsonObject> = {};
  const t = testWatchers({ places });
  const waits: (() => void)[] = [];
  t.sees.log = (look) => {
    places.log = { offset: look * 10 };
    return look === 3 ? new Promise((resolve) => waits.push(() => resolve(down))) : up;
  };
  await t.ensure("log", { trigger: "when status >= 500" });
  await t.advance(3_000);
  await t.ensure("log", { trigger: "when status >= 500", suspend: true }, 2);
  waits.shift()?.();
  await t.advance(100);
  assert.deepEqual(places.log, { offset: 20 });
});

test("silences survive, and are gone with their watcher", async () => {
  const all = await processes("silences");
  const first = all.start(0);
  await first.ensure("shop", { trigger: "when status >= 500" });
  const until = new Date(first.time.clock.now() + day).toISOString();
  await first.watchers.silence({ watcher: watcherKey("shop"), until, reason: "r", by: "ann" });
  all.ended(first);
  const second = all.start(1_000);
  second.sees.shop = down;
  await second.ensure("shop", { trigger: "when status >= 500" });
  await second.advance(3_000);
  assert.deepEqual(second.state("shop").suppressed, { silenced: 1 });
  assert.equal(second.deliveries.length, 0);
  await second.watchers.remove(watcherKey("shop"), "uid-shop");
  const third = all.start(1_000);
  await third.ensure("shop", { trigger: "when status >= 500" });
  assert.equal(third.state("shop").silencedUntil, undefined);
  assert.deepEqual(all.rows(), []);
  all.close();
});

test("watchers that are idle and have no history write next to nothing; those with history not at every look", async () => {
  const time = manualTime();
  const states = memoryWatching(time.clock);
  const t = testWatchers({ time, states });
  for (let index = 0; index < 100; index += 1) {
    t.sees[`idle-${index}`] = up;
    await t.ensure(`idle-${index}`, { trigger: "when status >= 500 for 3 polls" });
  }
  t.sees.history = up;
  await t.ensure("history", { trigger: "when avg(status, 60 polls) >= 500" });
  await t.advance(5_000);
  const early = states.written.rows;
  assert.ok(early <= 102, `${early} rows at the start`);
  await t.advance(60_000);
  const rows = states.written.rows - early;
  assert.ok(rows >= 10 && rows <= 13, `${rows} rows of one watcher with history in a minute`);
  await t.watchers.close();
  assert.equal(JSON.parse(states.rows.get("uid-idle-7") ?? "{}").record.polls, 65);
});

/** A store that can be broken for a while. */
function breakable() {
  const time = manualTime();
  const states = memoryWatching(time.clock);
  const store = { isBroken: false };
  const write: typeof states.write = async (rows) => {
    if (store.isBroken) throw new Error("the disk is full");
    return states.write(rows);
  };
  return { store, t: testWatchers({ time, states: { ...states, write } }) };
}

test("a store that fails is told once; nothing is delivered before it is on disk, and nothing is lost", async () => {
  const { store, t } = breakable();
  store.isBroken = true;
  t.sees.shop = (look) => (look === 2 ? down : up);
  await t.ensure("shop", { trigger: "when status >= 500" });
  await t.advance(30_000);
  assert.equal(t.deliveries.length, 0);
  assert.equal(t.errors.length, 1);
  store.isBroken = false;
  await t.advance(60_000);
  assert.equal(t.deliveries.length, 1);
});

for (const groupWait of ["0s", "1s"]) {
  test(`what comes behind a delivery waits for the disk too, groupWait ${groupWait}`, async () => {
    const { store, t } = breakable();
    const made: (() => void)[] = [];
    t.deliver = () => new Promise((resolve) => made.push(() => resolve({ type: "done" })));
    t.sees.shop = (look) => (look === 2 || look === 8 ? down : up);
    await t.ensure("shop", { trigger: "when status >= 500", groupWait });
    await t.advance(5_000);
    store.isBroken = true;
    await t.advance(10_000);
    assert.equal(t.state("shop").pending, 2);
    made.shift()?.();
    await t.advance(1_000);
    assert.equal(t.deliveries.length, 1, "the second fire is not on disk");
    store.isBroken = false;
    await t.advance(60_000);
    assert.equal(t.deliveries.length, 2);
  });
}
