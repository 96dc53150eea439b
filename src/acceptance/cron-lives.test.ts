// Goal: a cron outlives what happens around it: an agent that is stopped or gone, a suspended or another schedule, without a crash and with a reason for every moment that did not run.
// Method: real daemons over files that change; moments that a person asks for where their number counts.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  agentFile,
  cronFile,
  cronKey,
  cronOf,
  fromNow,
  hourlyElsewhere,
  isOf,
  nth,
  opsFiles,
  rest,
  ticksOf,
} from "../testing/acting.ts";
import { agentKey, startTestDaemon } from "../testing/daemon.ts";
import { startModelServer } from "../testing/model-server.ts";
import { createPlace } from "./durable-shop.ts";

const key = cronKey("report");
const why = { reason: "test", actor: "test" };

/** A daemon with one cron of `ops`, whose model answers at once. */
async function start(spec: object) {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await createPlace());
  const model = stack.use(await startModelServer(() => ({ action: "return", result: "done" })));
  const cron = { agent: "ops", task: "Report.", ...spec };
  const files = { ...opsFiles(model, place), "agents.d/report.yaml": cronFile("report", cron) };
  const daemon = stack.use(await startTestDaemon({ folder: place.folder, files }));
  await daemon.untilReady(key);
  const owned = stack.move();
  return { daemon, model, cron, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

suite("a cron and what happens around it", { concurrency: 3 }, () => {
  test("an agent that is stopped takes no task: the moment says so, and the one after its return runs", async () => {
    await using rig = await start({ schedule: hourlyElsewhere() });
    const { daemon, model } = rig;
    await daemon.plane.move(agentKey("ops"), "stopped", why);
    await daemon.plane.triggerCron(key);
    await daemon.until(key, (object) => cronOf(object).running === 0);
    await daemon.plane.move(agentKey("ops"), "running", why);
    await daemon.plane.triggerCron(key);
    await daemon.untilEvent(isOf(key, "Succeeded"));
    const [refused, ran] = await ticksOf(daemon, key);
    assert.ok(["failed", "dropped"].includes(refused?.state ?? ""), refused?.state);
    assert.match(refused?.reason ?? "", /stopped/);
    assert.equal(ran?.state, "ok");
    assert.equal(model.requests.length, 1);
  });

  test("an agent that is paused keeps the task, and does it when it goes on", async () => {
    await using rig = await start({ schedule: hourlyElsewhere() });
    const { daemon, model } = rig;
    await daemon.plane.move(agentKey("ops"), "paused", why);
    assert.equal((await daemon.plane.triggerCron(key)).state, "started");
    await daemon.plane.move(agentKey("ops"), "running", why);
    await daemon.untilEvent(isOf(key, "Succeeded"));
    assert.equal(model.requests.length, 1);
  });

  test("a cron whose agent is deleted says that it waits for it, and goes on when there is one again", async () => {
    await using rig = await start({ schedule: "every 1s" });
    const { daemon } = rig;
    await daemon.untilEvent(isOf(key, "Succeeded"));
    await daemon.remove("agents.d/ops.yaml");
    await daemon.until(agentKey("ops"), (object) => object === undefined);
    const lacks = await daemon.until(key, (object) =>
      JSON.stringify(object?.status.conditions ?? []).includes('\\"ops\\"'),
    );
    assert.match(JSON.stringify(lacks?.status.conditions), /AgentMissing/);
    const hasSucceeded = fromNow(isOf(key, "Succeeded"));
    await daemon.replace("agents.d/ops.yaml", agentFile("ops", { description: "Is back." }));
    await daemon.untilReady(agentKey("ops"));
    await daemon.untilEvent(nth(2, hasSucceeded));
    await daemon.untilReady(key);
  });

  test("suspend: nothing runs, a person still can run it, and moments that went by do not come later", async () => {
    await using rig = await start({ schedule: "every 1s", catchup: "all" });
    const { daemon, cron } = rig;
    await daemon.untilEvent(isOf(key, "Succeeded"));
    await rest(daemon, "report", cron);
    const before = await ticksOf(daemon, key);
    const asked = await daemon.plane.triggerCron(key);
    await daemon.until(key, (object) => cronOf(object).running === 0);
    const during = await ticksOf(daemon, key);
    assert.deepEqual(
      during.filter(({ by }) => by === "schedule"),
      before,
    );
    assert.equal(during.find(({ atMs }) => atMs === asked.atMs)?.by, "person");
    const hasSucceeded = fromNow(isOf(key, "Succeeded"));
    const resumedMs = Date.now();
    await daemon.replace("agents.d/report.yaml", cronFile("report", cron));
    await daemon.untilEvent(hasSucceeded);
    const later = (await ticksOf(daemon, key)).filter(
      ({ atMs, by }) => by !== "person" && atMs > (before.at(-1)?.atMs ?? 0),
    );
    assert.ok(later.length > 0 && later.every(({ atMs }) => atMs >= resumedMs - 1_000));
  });

  test("another schedule counts at once, and what the one before had decided is not run again", async () => {
    await using rig = await start({ schedule: hourlyElsewhere(), catchup: "all" });
    const { daemon, cron } = rig;
    assert.deepEqual(await ticksOf(daemon, key), []);
    const changedMs = Date.now();
    await daemon.replace(
      "agents.d/report.yaml",
      cronFile("report", { ...cron, schedule: "every 1s" }),
    );
    await daemon.untilEvent(nth(2, isOf(key, "Succeeded")));
    await daemon.replace("agents.d/report.yaml", cronFile("report", cron));
    await daemon.untilReady(key, 3);
    const ticks = await ticksOf(daemon, key);
    assert.ok(ticks.every(({ atMs, by }) => atMs >= changedMs - 1_000 && by === "schedule"));
    assert.equal(cronOf(await daemon.plane.read(key)).state, "waiting");
  });

  test("a manifest whose schedule is wrong changes nothing: the one before goes on", async () => {
    await using rig = await start({ schedule: "every 1s" });
    const { daemon, cron } = rig;
    await daemon.untilEvent(isOf(key, "Succeeded"));
    await daemon.replace(
      "agents.d/report.yaml",
      cronFile("report", { ...cron, schedule: "61 * * * *" }),
    );
    const rejected = await daemon.untilEvent(
      ({ kind, data }) =>
        kind === "legion.object" && "reason" in data && data.reason === "Rejected",
    );
    assert.match(JSON.stringify(rejected.data), /report\.yaml:\d+:\d+/);
    const hasSucceeded = fromNow(isOf(key, "Succeeded"));
    await daemon.untilEvent(hasSucceeded);
  });
});
