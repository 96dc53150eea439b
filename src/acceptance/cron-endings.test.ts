// Goal: a tick and the turn that it began have the same end, whichever way the daemon or the agent ended in between (R01, R45).
// Method: real daemons with a model that holds its answer, which are told to end, killed, or whose agent is stopped meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  agentFile,
  cronFile,
  cronKey,
  cronOf,
  fromNow,
  hourlyElsewhere,
  isOf,
  opsFiles,
  ticksOf,
} from "../testing/acting.ts";
import { agentKey, startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import { type HeldModel, startHeldModel } from "../testing/held-model.ts";
import { createPlace } from "./durable-shop.ts";

const key = cronKey("report");
const why = { reason: "test", actor: "test" };
const charge = {
  action: "eval_and_complete",
  code: 'await tools.shop.charge({ item: "report" })',
} as const;

/** A repository whose first daemon has one turn of one tick under way, and does something then. */
async function underWay(meanwhile: (daemon: TestDaemon, model: HeldModel) => Promise<void>) {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await createPlace());
  const model = stack.use(await startHeldModel(() => charge));
  const cron = { schedule: hourlyElsewhere(), agent: "ops", task: "Report." };
  const files = { ...opsFiles(model, place), "agents.d/report.yaml": cronFile("report", cron) };
  {
    await using daemon = await startTestDaemon({ folder: place.folder, files });
    await daemon.untilReady(key);
    await daemon.plane.triggerCron(key);
    await model.at(0);
    await meanwhile(daemon, model);
    await daemon.exit;
  }
  model.releaseAll();
  const owned = stack.move();
  return { place, model, cron, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function states(daemon: TestDaemon): Promise<readonly string[]> {
  return (await ticksOf(daemon, key)).map(({ state }) => state);
}

const isEnd = isOf(key, "Succeeded", "Failed", "Cancelled", "Dropped");

test("SIGTERM lets the turn end, and its tick is ok for the next daemon, which asks for nothing again", async () => {
  await using story = await underWay(async (daemon, model) => {
    daemon.kill("SIGTERM");
    await daemon.says("draining");
    model.releaseAll();
    assert.equal(await daemon.exit, 0, daemon.stderr());
  });
  const { place, model } = story;
  await using daemon = await startTestDaemon({ folder: place.folder });
  await daemon.until(key, (object) => cronOf(object).last?.state === "ok");
  assert.deepEqual(await states(daemon), ["ok"]);
  assert.deepEqual([model.requests.length, place.effects().length], [1, 1]);
});

test("an agent that is stopped while its turn goes on, and a kill: the tick waits with the turn, and ends as it does", async () => {
  await using story = await underWay(async (daemon) => {
    await daemon.plane.move(agentKey("ops"), "stopped", why);
    daemon.kill("SIGKILL");
  });
  const { place } = story;
  const hasEnded = fromNow(isEnd);
  await using daemon = await startTestDaemon({ folder: place.folder });
  await daemon.untilReady(key);
  await daemon.plane.move(agentKey("ops"), "running", why);
  await daemon.untilEvent(hasEnded);
  assert.deepEqual(await states(daemon), ["ok"]);
  const runs = await daemon.plane.runs({ agent: "ops" });
  assert.deepEqual(
    runs.map(({ status }) => status),
    ["ok"],
  );
  assert.equal(place.effects().length, 1);
});

test("a cron that was given to another agent while the daemon was down: the tick that was begun stays with the first", async () => {
  await using story = await underWay(async (daemon) => daemon.kill("SIGKILL"));
  const { place, cron } = story;
  const files = {
    "agents.d/boss.yaml": agentFile("boss"),
    "agents.d/report.yaml": cronFile("report", { ...cron, agent: "boss" }),
  };
  const hasEnded = fromNow(isEnd);
  await using daemon = await startTestDaemon({ folder: place.folder, files });
  await daemon.untilEvent(hasEnded);
  assert.deepEqual(await states(daemon), ["ok"]);
  const hasEndedAgain = fromNow(isEnd);
  await daemon.plane.triggerCron(key);
  await daemon.untilEvent(hasEndedAgain);
  const runs = await daemon.plane.runs({});
  assert.deepEqual(runs.map(({ agent, status }) => [agent, status]).toSorted(), [
    ["boss", "ok"],
    ["ops", "ok"],
  ]);
  assert.equal(place.effects().length, 2);
});

test("a cron that was given to a tool while the daemon was down: the tick that an agent has calls no tool", async () => {
  await using story = await underWay(async (daemon) => daemon.kill("SIGKILL"));
  const { place } = story;
  const spec = { schedule: hourlyElsewhere(), tool: "shop.reserve", arguments: { item: "tool" } };
  const files = { "agents.d/report.yaml": cronFile("report", spec) };
  const hasEnded = fromNow(isEnd);
  await using daemon = await startTestDaemon({ folder: place.folder, files });
  await daemon.untilEvent(hasEnded);
  const [tick] = await ticksOf(daemon, key);
  await daemon.until(agentKey("ops"), (object) => object !== undefined);
  const hasRun = await daemon.plane.runs({ agent: "ops" });
  assert.equal(tick?.message, hasRun[0]?.message);
  const names = () => place.effects().map(({ name }) => name);
  await daemon.untilEvent(({ kind }) => kind === "legion.agent.stopped");
  assert.deepEqual(names(), ["shop.charge"]);
  const hasEndedAgain = fromNow(isEnd);
  await daemon.plane.triggerCron(key);
  await daemon.untilEvent(hasEndedAgain);
  assert.deepEqual(names(), ["shop.charge", "shop.reserve"]);
});

test("an agent that was deleted while the daemon was down, and comes again: its tick ends, and the next one runs", async () => {
  await using story = await underWay(async (daemon) => daemon.kill("SIGKILL"));
  const { place } = story;
  const hasEnded = fromNow(isEnd);
  await using daemon = await startTestDaemon({
    folder: place.folder,
    files: { "agents.d/ops.yaml": undefined },
  });
  await daemon.until(agentKey("ops"), (object) => object === undefined);
  await daemon.write({ "agents.d/ops.yaml": agentFile("ops") });
  await daemon.untilReady(agentKey("ops"));
  await daemon.untilEvent(hasEnded);
  const [tick, ...more] = await ticksOf(daemon, key);
  assert.deepEqual([tick?.state, more.length], ["failed", 0]);
  const hasSucceeded = fromNow(isOf(key, "Succeeded"));
  await daemon.plane.triggerCron(key);
  await daemon.untilEvent(hasSucceeded);
  assert.equal(place.effects().length, 1);
});
