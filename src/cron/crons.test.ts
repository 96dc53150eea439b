// Goal: each moment of a cron comes once, whatever becomes of the clock, the process, the spec and the store (R05, R08, R09).
// Method: crons over a real database with time that passes when it is told to; clocks are set, processes replaced, writes made to fail.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LegionError } from "../lib/errors.ts";
import { CRON_START_MS, type CronRig, cronRig, failed } from "../testing/crons.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const reasonsOf = (rig: CronRig) => rig.events.map(({ reason }) => reason);

/** Ends every job as soon as it is begun. */
async function passEnding(rig: CronRig, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= MINUTE_MS) {
    const before = rig.jobs.length;
    await rig.pass(Math.min(left, MINUTE_MS));
    for (const job of rig.jobs.slice(before)) await job.end();
  }
}

describe("the wall clock is set (R08)", () => {
  test("an hour back: nothing comes twice, and it goes on where it was", async () => {
    await using rig = await cronRig();
    await rig.ensure({ schedule: "*/20 * * * *", catchup: "all" });
    await passEnding(rig, 70 * MINUTE_MS);
    const before = await rig.rows();
    assert.deepEqual(before, ["00:20 ok", "00:40 ok", "01:00 ok"]);
    rig.setClock(-HOUR_MS);
    await passEnding(rig, HOUR_MS);
    assert.deepEqual(await rig.rows(), before);
    await passEnding(rig, 10 * MINUTE_MS);
    assert.deepEqual(await rig.rows(), [...before, "01:20 ok"]);
    const told = rig.events.filter(({ reason }) => reason === "ClockSetBack");
    assert.equal(told.length, 1);
    assert.match(told[0]?.message ?? "", /up to 2026-01-01T01:00:00.000Z is decided/);
  });
  for (const [catchup, expected] of [
    ["none", ["00:20 ok", "01:20 missed", "01:40 ok"]],
    ["last", ["00:20 ok", "01:00 missed", "01:20 ok catchup", "01:40 ok"]],
    ["all", ["00:20 ok", "00:40 ok catchup", "01:00 ok catchup", "01:20 ok catchup", "01:40 ok"]],
  ] as const) {
    test(`an hour ahead: what went by falls under catchup ${catchup}, within 30 s`, async () => {
      await using rig = await cronRig();
      await rig.ensure({ schedule: "*/20 * * * *", catchup, overlap: "allowAll" });
      await passEnding(rig, 25 * MINUTE_MS);
      rig.setClock(HOUR_MS);
      await rig.pass(30_000);
      assert.equal((await rig.rows()).length, expected.length - 1);
      for (const job of rig.jobs.slice(1)) await job.end();
      await passEnding(rig, 15 * MINUTE_MS);
      assert.deepEqual(await rig.rows(), expected);
    });
  }
  test("ten years ahead, with a moment each second: bounded work, one event", async () => {
    await using rig = await cronRig();
    await rig.ensure({ schedule: "* * * * * *", catchup: "all", overlap: "bufferAll" });
    rig.setClock(3650 * DAY_MS);
    const startedMs = performance.now();
    await rig.pass(1_000);
    assert.ok(performance.now() - startedMs < 20_000);
    assert.equal(reasonsOf(rig).filter((reason) => reason === "Missed").length, 1);
    const [missed] = await rig.ticks.list("uid", { states: ["missed"] });
    assert.match(missed?.reason ?? "", /^more than 1000 moments went by/);
    const waiting = await rig.ticks.list("uid", { states: ["waiting", "started"] });
    assert.ok(waiting.length >= 10 && waiting.length <= 80);
    const { next } = rig.state();
    assert.equal(next, new Date(Math.floor(rig.now() / 1_000) * 1_000 + 1_000).toISOString());
  });
});

describe("another process goes on", () => {
  test("with what was started and what waits, under the same ids", async () => {
    await using rig = await cronRig();
    await rig.ensure({ overlap: "bufferAll" });
    await rig.pass(3 * HOUR_MS);
    await rig.restart(10 * MINUTE_MS);
    const state = await rig.ensure({ overlap: "bufferAll" });
    assert.deepEqual([state.state, state.running, state.queued, state.runs], ["running", 1, 2, 1]);
    const [first, again] = rig.jobs;
    assert.deepEqual([first?.isResumed, again?.isResumed], [false, true]);
    assert.equal(again?.id, first?.id);
    assert.match(again?.id ?? "", /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    await rig.jobs[1]?.end();
    await rig.jobs[2]?.end();
    await rig.jobs[3]?.end();
    assert.deepEqual(await rig.rows(), ["01:00 ok", "02:00 ok", "03:00 ok"]);
    assert.equal(new Set(rig.jobs.map(({ id }) => id)).size, 3);
    assert.deepEqual(
      rig.jobs.map(({ count }) => count),
      [1, 1, 2, 3],
    );
  });
  for (const [catchup, expected] of [
    ["none", ["01:00 ok", "04:00 missed", "05:00 started"]],
    ["last", ["01:00 ok", "03:00 missed", "04:00 started catchup", "05:00 skipped"]],
    [
      "all",
      [
        "01:00 ok",
        "02:00 started catchup",
        "03:00 waiting catchup",
        "04:00 waiting catchup",
        "05:00 skipped",
      ],
    ],
  ] as const) {
    test(`with moments that nobody saw: catchup ${catchup}, one after the other under skip`, async () => {
      await using rig = await cronRig();
      await rig.ensure({ catchup });
      await rig.pass(HOUR_MS);
      await rig.jobs[0]?.end();
      await rig.restart(3.5 * HOUR_MS);
      await rig.ensure({ catchup });
      await rig.pass(HOUR_MS / 2);
      assert.deepEqual(await rig.rows(), expected);
    });
  }
  test("once, when two ask for it at the same time", async () => {
    await using rig = await cronRig();
    await Promise.all([rig.ensure({}, { generation: 2 }), rig.ensure({}, { generation: 1 })]);
    await rig.pass(HOUR_MS);
    assert.deepEqual([rig.jobs.length, rig.errors, rig.state().generation], [1, [], 2]);
    await rig.crons.remove(rig.key, "uid");
    await rig.pass(HOUR_MS);
    assert.equal(rig.jobs.length, 1);
  });
  test("at once with a moment that came a minute ago", async () => {
    await using rig = await cronRig();
    await rig.ensure();
    await rig.restart(HOUR_MS + 50_000);
    await rig.ensure();
    assert.deepEqual(await rig.rows(), ["01:00 started"]);
  });
  test("and nothing from before it was created is caught up", async () => {
    await using rig = await cronRig();
    await rig.pass(10 * HOUR_MS);
    const createdAt = new Date(CRON_START_MS + 9.5 * HOUR_MS).toISOString();
    await rig.ensure({ catchup: "all", overlap: "allowAll" }, { createdAt });
    assert.deepEqual(await rig.rows(), ["10:00 started"]);
  });
  test("what ends while the process ends is left to the next", async () => {
    await using rig = await cronRig();
    await rig.ensure();
    await rig.pass(HOUR_MS);
    const closing = rig.crons.close();
    await rig.jobs[0]?.end({ type: "closing" });
    await closing;
    await assert.rejects(rig.crons.trigger(rig.key), { code: "LEG2782" });
    assert.deepEqual(await rig.rows(), ["01:00 started"]);
  });
});

describe("it ends", () => {
  test("after maxRuns, told once, also over a restart", async () => {
    await using rig = await cronRig();
    await rig.ensure({ maxRuns: 2 });
    await passEnding(rig, 5 * HOUR_MS);
    assert.deepEqual(await rig.rows(), ["01:00 ok", "02:00 ok"]);
    assert.deepEqual([rig.state().state, rig.state().reason], ["ended", "it had 2 of 2 runs"]);
    await rig.restart();
    await rig.ensure({ maxRuns: 2 });
    await rig.pass(2 * HOUR_MS);
    assert.deepEqual([rig.state().state, rig.state().next], ["ended", undefined]);
    assert.equal(reasonsOf(rig).filter((reason) => reason === "Ended").length, 1);
    // More runs: from now on, without those that went by.
    await rig.ensure({ maxRuns: 3, catchup: "all" }, { generation: 2 });
    await passEnding(rig, 2 * HOUR_MS);
    assert.deepEqual(await rig.rows(), ["01:00 ok", "02:00 ok", "08:00 ok"]);
  });
  test("after maxRuns what waits is left out", async () => {
    await using rig = await cronRig();
    await rig.ensure({ maxRuns: 1, overlap: "bufferAll" });
    await rig.pass(2 * HOUR_MS);
    await rig.jobs[0]?.end();
    assert.deepEqual(await rig.rows(), ["01:00 ok"]);
  });
  test("at endAt, and begins at startAt", async () => {
    await using rig = await cronRig();
    const span = { startAt: "2026-01-01T02:00:00Z", endAt: "2026-01-01T05:00:00+01:00" };
    const state = await rig.ensure(span);
    assert.equal(state.next, "2026-01-01T02:00:00.000Z");
    await passEnding(rig, 6 * HOUR_MS);
    assert.deepEqual(await rig.rows(), ["02:00 ok", "03:00 ok"]);
    assert.deepEqual([rig.state().state, rig.state().reason], ["ended", "no moment is left"]);
    await rig.restart();
    assert.equal((await rig.ensure(span)).state, "ended");
    assert.equal(reasonsOf(rig).filter((reason) => reason === "Ended").length, 1);
  });
  test("a date alone is midnight in its zone", async () => {
    await using rig = await cronRig();
    const spec = { schedule: "0 */6 * * *", timezone: "Asia/Tokyo", startAt: "2026-01-02" };
    assert.equal((await rig.ensure(spec)).next, "2026-01-01T15:00:00.000Z");
  });
});

describe("its spec changes", () => {
  test("another schedule begins now, without a double and without what it never had", async () => {
    await using rig = await cronRig();
    await rig.ensure({ catchup: "all", overlap: "allowAll" });
    await rig.pass(HOUR_MS + 35 * MINUTE_MS);
    const changed = { schedule: "*/10 * * * *", catchup: "all", overlap: "allowAll" } as const;
    const state = await rig.ensure(changed, { generation: 2 });
    assert.equal(state.next, "2026-01-01T01:40:00.000Z");
    assert.deepEqual(await rig.ensure(changed, { generation: 2 }), state);
    await rig.pass(15 * MINUTE_MS);
    await rig.ensure({ catchup: "all", overlap: "allowAll" }, { generation: 3 });
    await rig.pass(20 * MINUTE_MS);
    assert.deepEqual(await rig.rows(), [
      ...["01:00 started", "01:40 started", "01:50 started", "02:00 started"],
    ]);
  });
  test("another task takes nothing from the schedule", async () => {
    await using rig = await cronRig();
    await rig.ensure({ jitter: "59m" });
    await rig.pass(HOUR_MS);
    assert.deepEqual(await rig.rows(), []);
    await rig.ensure({ jitter: "59m", task: "Other." }, { generation: 2 });
    await rig.pass(HOUR_MS - 1);
    assert.deepEqual([await rig.rows(), rig.jobs[0]?.task], [["01:00 started"], "Other."]);
  });
  test("what goes by while it is suspended is not caught up", async () => {
    await using rig = await cronRig();
    await rig.ensure({ suspend: true, catchup: "all" });
    await rig.pass(3.5 * HOUR_MS);
    assert.deepEqual([rig.state().state, rig.state().next], ["suspended", undefined]);
    await rig.restart();
    await rig.ensure({ suspend: true, catchup: "all" });
    await rig.ensure({ catchup: "all" }, { generation: 2 });
    await rig.pass(HOUR_MS / 2);
    assert.deepEqual(await rig.rows(), ["04:00 started"]);
    assert.deepEqual(reasonsOf(rig), ["Started"]);
  });
  test("a task with holes is filled for each run", async () => {
    await using rig = await cronRig();
    await rig.ensure({ task: "{{name}} {{count}} {{tick}} {{now}}", jitter: "10s" });
    await rig.pass(HOUR_MS + 10_000);
    const { task = "" } = rig.jobs[0] ?? {};
    assert.match(task, /^c 1 2026-01-01T01:00:00(.000)?Z 2026-01-01T01:00:0\d/);
  });
  test("one that is not understood is refused, and nothing runs", async () => {
    await using rig = await cronRig();
    await assert.rejects(rig.ensure({ timezone: "Mars/Base" }), { code: "LEG2784" });
    await assert.rejects(rig.ensure({ task: "{{nam}}" }), { code: "LEG2784" });
    assert.equal(rig.crons.state(rig.key), undefined);
  });
});

describe("it is removed", () => {
  test("its run is cancelled and everything is forgotten", async () => {
    await using rig = await cronRig();
    const changed: string[] = [];
    rig.crons.onChange(({ name }) => changed.push(name));
    await rig.ensure();
    await rig.pass(HOUR_MS);
    await rig.crons.remove(rig.key, "uid");
    assert.equal((rig.jobs[0]?.signal.reason as LegionError).code, "LEG2781");
    await rig.jobs[0]?.end();
    await rig.pass(2 * HOUR_MS);
    assert.deepEqual([await rig.rows(), await rig.ticks.record("uid")], [[], undefined]);
    assert.deepEqual(rig.crons.states(), []);
    assert.ok(changed.length >= 3);
  });
  test("another one of the name has its own moments", async () => {
    await using rig = await cronRig();
    await rig.ensure();
    await rig.pass(HOUR_MS);
    await rig.ensure({}, { uid: "other", createdAt: new Date(rig.now()).toISOString() });
    await rig.crons.remove(rig.key, "uid");
    await rig.pass(HOUR_MS);
    assert.deepEqual(
      rig.jobs.map(({ claim }) => claim.uid),
      ["uid", "other"],
    );
    assert.equal(rig.state().uid, "other");
  });
});

test("a schedule that changed while no process ran has no moments of before", async () => {
  await using rig = await cronRig();
  await rig.ensure({ schedule: "0 3 * * *", catchup: "all" });
  await passEnding(rig, 4 * HOUR_MS);
  await rig.restart(8 * HOUR_MS);
  await rig.ensure({ schedule: "30 * * * *", catchup: "all" }, { generation: 2 });
  assert.deepEqual(await rig.rows(), ["03:00 ok"]);
  await passEnding(rig, HOUR_MS);
  // The same one still catches up.
  await rig.restart(2 * HOUR_MS);
  await rig.ensure({ schedule: "30 * * * *", catchup: "all" }, { generation: 2 });
  assert.deepEqual(await rig.rows(), [
    "03:00 ok",
    "12:30 ok",
    "13:30 started catchup",
    "14:30 waiting catchup",
  ]);
});

describe("the store does not work for a while (R05)", () => {
  const full = new LegionError({ code: "LEG6004", message: "the disk is full", hint: "free it" });
  test("a moment that could not be taken runs when it does", async () => {
    await using rig = await cronRig();
    await rig.ensure({ overlap: "bufferAll" });
    await rig.pass(HOUR_MS - 1_000);
    rig.trouble = full;
    await rig.pass(20_000);
    assert.ok(rig.errors.length >= 3 && rig.errors.length <= 6);
    rig.trouble = undefined;
    await rig.pass(30_000);
    assert.deepEqual(await rig.rows(), ["01:00 started"]);
  });
  test("the end of a run is written when it does", async () => {
    await using rig = await cronRig();
    await rig.ensure({ pauseOnFailure: true });
    await rig.pass(HOUR_MS);
    rig.trouble = full;
    await rig.jobs[0]?.end(failed);
    await rig.pass(10_000);
    assert.deepEqual(await rig.rows(), ["01:00 started"]);
    rig.trouble = undefined;
    await rig.pass(30_000);
    assert.deepEqual([await rig.rows(), rig.state().state], [["01:00 failed"], "paused"]);
  });
  test("a run that could not be begun has not failed: it begins when it can", async () => {
    await using rig = await cronRig();
    const { code, message, hint } = full;
    const notKept = { type: "failed", error: { code, message, hint } } as const;
    await rig.ensure({ overlap: "bufferAll", pauseOnFailure: true });
    rig.early.push(notKept, notKept);
    await rig.pass(2 * HOUR_MS);
    assert.deepEqual(await rig.rows(), ["01:00 started", "02:00 waiting"]);
    rig.early.push(notKept, notKept);
    await rig.jobs[0]?.end();
    await rig.pass(10_000);
    assert.deepEqual(await rig.rows(), ["01:00 ok", "02:00 started"]);
    assert.deepEqual([rig.state().runs, rig.errors.length], [2, 4]);
  });
  test("a run that ends while the process does is not begun again", async () => {
    await using rig = await cronRig();
    await rig.ensure();
    await rig.pass(HOUR_MS);
    const closed = rig.crons.close();
    await rig.jobs[0]?.end();
    await closed;
    await rig.restart();
    await rig.ensure();
    assert.deepEqual([await rig.rows(), rig.jobs.length], [["01:00 ok"], 1]);
  });
  test("a process that lost the folder does nothing any more", async () => {
    await using rig = await cronRig();
    await rig.ensure();
    await rig.pass(HOUR_MS - 1_000);
    rig.trouble = new LegionError({ code: "LEG6022", message: "fenced", hint: "stop" });
    await rig.pass(10_000);
    rig.trouble = undefined;
    await rig.pass(3 * HOUR_MS);
    assert.deepEqual([await rig.rows(), rig.errors.length], [[], 1]);
  });
});

test("what people see", async () => {
  await using rig = await cronRig();
  assert.deepEqual(await rig.ensure(), {
    ...{ uid: "uid", generation: 1, state: "waiting", runs: 0, running: 0, queued: 0 },
    next: "2026-01-01T01:00:00.000Z",
  });
  await rig.pass(2 * HOUR_MS);
  assert.deepEqual(rig.state(), {
    ...{ uid: "uid", generation: 1, state: "running", runs: 1, running: 1, queued: 0 },
    next: "2026-01-01T03:00:00.000Z",
    last: {
      ...{ at: "2026-01-01T02:00:00.000Z", state: "skipped" },
      reason: "an earlier run still went on",
    },
  });
  assert.deepEqual(
    (await rig.crons.ticks(rig.key, 1)).map(({ atMs }) => atMs),
    [CRON_START_MS + 2 * HOUR_MS],
  );
});
