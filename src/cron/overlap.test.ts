// Goal: what a moment does while an earlier run goes on is what spec.overlap says, and a failure pauses where it is to.
// Method: hourly crons over a real database and time that passes when it is told to; runs end when the test says so.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CronSpec } from "../manifest/generated/cron.ts";
import { cancelled, cronRig, failed } from "../testing/crons.ts";

const HOUR_MS = 3_600_000;

describe("three moments while the first run goes on", () => {
  const table: Record<
    CronSpec["overlap"],
    { begun: number; cancelled: number; rows: string[]; after: string[] }
  > = {
    skip: {
      ...{ begun: 1, cancelled: 0, rows: ["01:00 started", "02:00 skipped", "03:00 skipped"] },
      after: ["01:00 ok", "02:00 skipped", "03:00 skipped"],
    },
    bufferOne: {
      ...{ begun: 1, cancelled: 0, rows: ["01:00 started", "02:00 waiting", "03:00 skipped"] },
      after: ["01:00 ok", "02:00 ok", "03:00 skipped"],
    },
    bufferAll: {
      ...{ begun: 1, cancelled: 0, rows: ["01:00 started", "02:00 waiting", "03:00 waiting"] },
      after: ["01:00 ok", "02:00 ok", "03:00 ok"],
    },
    cancelOther: {
      ...{ begun: 1, cancelled: 1, rows: ["01:00 started", "02:00 skipped", "03:00 waiting"] },
      after: ["01:00 cancelled", "02:00 skipped", "03:00 ok"],
    },
    terminateOther: {
      ...{ begun: 3, cancelled: 2, rows: ["01:00 started", "02:00 started", "03:00 started"] },
      after: ["01:00 cancelled", "02:00 cancelled", "03:00 ok"],
    },
    allowAll: {
      ...{ begun: 3, cancelled: 0, rows: ["01:00 started", "02:00 started", "03:00 started"] },
      after: ["01:00 ok", "02:00 ok", "03:00 ok"],
    },
  };
  for (const [name, expected] of Object.entries(table)) {
    test(name, async () => {
      await using rig = await cronRig();
      await rig.ensure({ overlap: name as CronSpec["overlap"] });
      await rig.pass(3 * HOUR_MS);
      assert.deepEqual(await rig.rows(), expected.rows);
      const aborted = rig.jobs.filter(({ signal }) => signal.aborted);
      assert.deepEqual([rig.jobs.length, aborted.length], [expected.begun, expected.cancelled]);
      assert.equal(rig.state().state, "running");
      // Each ends in its turn, and those that waited begin.
      for (let index = 0; index < rig.jobs.length; index += 1) {
        const job = rig.jobs[index];
        await job?.end(job.signal.aborted ? cancelled : { type: "ok" });
      }
      assert.deepEqual(await rig.rows(), expected.after);
      const { state, running, queued } = rig.state();
      assert.deepEqual({ state, running, queued }, { state: "waiting", running: 0, queued: 0 });
      assert.deepEqual(rig.errors, []);
    });
    test(`${name}: nothing runs any more when the next moment comes`, async () => {
      await using rig = await cronRig();
      await rig.ensure({ overlap: name as CronSpec["overlap"] });
      for (let hour = 1; hour <= 2; hour += 1) {
        await rig.pass(HOUR_MS);
        await rig.jobs[hour - 1]?.end();
      }
      assert.deepEqual(await rig.rows(), ["01:00 ok", "02:00 ok"]);
      assert.ok(rig.jobs.every(({ signal }) => !signal.aborted));
    });
  }
});

test("of the moments that one run has cost, one event tells", async () => {
  await using rig = await cronRig();
  await rig.ensure({ schedule: "* * * * *" });
  await rig.pass(HOUR_MS / 2);
  await rig.jobs[0]?.end();
  await rig.pass(HOUR_MS / 2);
  const skipped = rig.events.filter(({ reason }) => reason === "Skipped");
  assert.equal(skipped.length, 2);
  assert.match(
    skipped[0]?.message ?? "",
    /00:02:00.000Z was skipped: an earlier run still went on/,
  );
  assert.equal((await rig.rows()).filter((row) => row.endsWith("skipped")).length, 58);
});

test("a job that the agent does not take is dropped, and the next one is tried", async () => {
  await using rig = await cronRig();
  rig.early.push({
    type: "dropped",
    error: { code: "LEG6042", message: "too many wait", hint: "wait" },
  });
  await rig.ensure({ overlap: "bufferAll" });
  await rig.pass(2 * HOUR_MS);
  assert.deepEqual(await rig.rows(), ["01:00 dropped", "02:00 started"]);
  assert.deepEqual((await rig.ticks.list("uid"))[1]?.reason, "too many wait");
  assert.equal(rig.state().runs, 1);
  assert.deepEqual(
    rig.events.map(({ reason }) => reason),
    ["Dropped", "Started"],
  );
});

test("a tick that another process has is left to it", async () => {
  await using rig = await cronRig();
  await rig.ensure();
  await rig.ticks.take({ uid: "uid", atMs: rig.now() + HOUR_MS, by: "schedule", state: "started" });
  await rig.pass(2 * HOUR_MS);
  assert.deepEqual(await rig.rows(), ["01:00 started", "02:00 started"]);
  assert.equal(rig.jobs.length, 1);
  assert.equal(rig.state().running, 1);
});

describe("pauseOnFailure", () => {
  test("a failed run pauses, and resume goes on without catching up", async () => {
    await using rig = await cronRig();
    await rig.ensure({ pauseOnFailure: true, catchup: "all" });
    await rig.pass(HOUR_MS);
    await rig.jobs[0]?.end(failed);
    assert.deepEqual(rig.state().state, "paused");
    assert.equal(rig.state().reason, "it broke");
    await rig.pass(5 * HOUR_MS);
    assert.deepEqual(await rig.rows(), ["01:00 failed"]);
    assert.equal(await rig.crons.resume(rig.key), true);
    assert.equal(await rig.crons.resume(rig.key), false);
    await rig.pass(HOUR_MS);
    assert.deepEqual(await rig.rows(), ["01:00 failed", "07:00 started"]);
    assert.deepEqual(
      rig.events.map(({ reason }) => reason),
      ["Started", "Failed", "Paused", "Resumed", "Started"],
    );
  });
  test("it stays paused over a restart, and a changed spec ends it", async () => {
    await using rig = await cronRig();
    await rig.ensure({ pauseOnFailure: true });
    await rig.pass(HOUR_MS);
    await rig.jobs[0]?.end(failed);
    await rig.restart(HOUR_MS);
    assert.equal((await rig.ensure({ pauseOnFailure: true })).state, "paused");
    await rig.pass(2 * HOUR_MS);
    const state = await rig.ensure({ pauseOnFailure: true, task: "Mended." }, { generation: 2 });
    assert.equal(state.state, "waiting");
    await rig.pass(HOUR_MS);
    assert.deepEqual(await rig.rows(), ["01:00 failed", "05:00 started"]);
    assert.equal(rig.jobs[1]?.task, "Mended.");
  });
  test("it stays paused when the spec changed while no process ran only until that is known", async () => {
    await using rig = await cronRig();
    await rig.ensure({ pauseOnFailure: true });
    await rig.pass(HOUR_MS);
    await rig.jobs[0]?.end(failed);
    await rig.restart();
    assert.equal((await rig.ensure({ pauseOnFailure: true }, { generation: 2 })).state, "waiting");
  });
  test("a cancelled run does not pause, nor does a failed one where it is not to", async () => {
    await using rig = await cronRig();
    await rig.ensure({ pauseOnFailure: true });
    await rig.pass(HOUR_MS);
    await rig.jobs[0]?.end(cancelled);
    assert.equal(rig.state().state, "waiting");
    await rig.ensure({ pauseOnFailure: false }, { generation: 2 });
    await rig.pass(HOUR_MS);
    await rig.jobs[1]?.end(failed);
    assert.equal(rig.state().state, "waiting");
  });
  test("a person can run it while it pauses, and what waits goes on waiting", async () => {
    await using rig = await cronRig();
    await rig.ensure({ pauseOnFailure: true, overlap: "bufferOne" });
    await rig.pass(2 * HOUR_MS);
    await rig.jobs[0]?.end(failed);
    assert.deepEqual(await rig.rows(), ["01:00 failed", "02:00 waiting"]);
    const tick = await rig.crons.trigger(rig.key);
    assert.deepEqual([tick.state, tick.by], ["started", "person"]);
    await rig.jobs[1]?.end();
    assert.deepEqual(await rig.rows(), ["01:00 failed", "02:00 waiting", "02:00:00.001 ok person"]);
    assert.equal(rig.state().state, "paused");
    await rig.crons.resume(rig.key);
    assert.deepEqual(rig.jobs[2]?.claim, { uid: "uid", atMs: rig.now(), by: "schedule" });
  });
});

describe("a person runs it", () => {
  test("under its overlap policy, and the schedule goes on as before", async () => {
    await using rig = await cronRig();
    await rig.ensure({ jitter: "30m" });
    const first = await rig.crons.trigger(rig.key);
    assert.equal(first.state, "started");
    const second = await rig.crons.trigger(rig.key);
    assert.deepEqual([second.state, second.reason], ["skipped", "an earlier run still went on"]);
    await rig.jobs[0]?.end();
    await rig.pass(HOUR_MS + 1);
    // The moment is due later, by its jitter, and a person comes before it.
    const third = await rig.crons.trigger(rig.key);
    assert.equal(third.state, "started");
    await rig.jobs[1]?.end();
    await rig.pass(HOUR_MS / 2);
    assert.deepEqual(
      rig.jobs.map(({ claim }) => claim.by),
      ["person", "person", "schedule"],
    );
    assert.equal(rig.jobs[2]?.claim.atMs, rig.now() - 1 - HOUR_MS / 2);
  });
  test("a cron that is not there is named, with the one that was probably meant", async () => {
    await using rig = await cronRig();
    await rig.ensure();
    const trigger = rig.crons.trigger({ ...rig.key, name: "cc" });
    await assert.rejects(trigger, { code: "LEG2780", hint: 'did you mean "c"?' });
  });
});
