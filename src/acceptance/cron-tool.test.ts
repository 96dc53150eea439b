// Goal: a cron of a tool calls it once for each moment, also when the daemon is killed in the middle of the call: again with the same idempotency key where the function knows such keys, and not at all where nobody can know (R01).
// Method: real daemons, and a tool that acts and then asks an endpoint, which the test holds, so that the kill comes when the effect is done and the call is not.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cronFile,
  cronKey,
  cronOf,
  fromNow,
  hourlyElsewhere,
  isOf,
  nth,
  pressFiles,
  ticksOf,
} from "../testing/acting.ts";
import { startTestDaemon } from "../testing/daemon.ts";
import { startEndpoint } from "../testing/endpoint.ts";
import { createPlace, type Place } from "./durable-shop.ts";

const key = cronKey("press");
const argumentsOf = { arguments: { paper: "a4" } };

function effects(place: Place, name: string) {
  return place.effects().filter((effect) => effect.name === name);
}

test("every second one call with the arguments of the manifest, each with a key of its own", async () => {
  await using place = await createPlace();
  await using endpoint = await startEndpoint();
  const spec = { schedule: "every 1s", tool: "press.punch", ...argumentsOf };
  const files = {
    ...pressFiles(endpoint, place),
    "agents.d/press-cron.yaml": cronFile("press", spec),
  };
  await using daemon = await startTestDaemon({ folder: place.folder, files });
  await daemon.untilReady(key);
  await daemon.untilEvent(nth(2, isOf(key, "Succeeded")));
  await daemon.remove("agents.d/press-cron.yaml");
  const ticks = (await ticksOf(daemon, key).catch(() => [])).filter(
    ({ startedMs }) => startedMs !== undefined,
  );
  await daemon.until(key, (object) => object === undefined);
  const done = effects(place, "punch");
  assert.ok(done.length >= 2 && done.length >= ticks.length);
  assert.equal(new Set(done.map((effect) => effect.key)).size, done.length);
  assert.deepEqual(done[0]?.args, { paper: "a4" });
});

const table = [
  { fn: "stamp", attempts: 2, end: "Succeeded", state: "ok", reason: /^$/ },
  { fn: "punch", attempts: 1, end: "Failed", state: "failed", reason: /nobody knows whether/ },
];

for (const { fn, attempts, end, state, reason } of table)
  test(`killed in the middle of a call of ${fn}: ${attempts} calls and one effect`, async () => {
    await using place = await createPlace();
    await using endpoint = await startEndpoint();
    const spec = { schedule: hourlyElsewhere(), tool: `press.${fn}`, ...argumentsOf };
    const files = {
      ...pressFiles(endpoint, place),
      "agents.d/press-cron.yaml": cronFile("press", spec),
    };
    {
      await using daemon = await startTestDaemon({ folder: place.folder, files });
      await daemon.untilReady(key);
      const isHeld = endpoint.hold();
      await daemon.plane.triggerCron(key);
      await isHeld;
      assert.equal(cronOf(await daemon.plane.read(key)).running, 1);
      daemon.kill("SIGKILL");
      await daemon.exit;
    }
    assert.equal(effects(place, fn).length, 1);
    endpoint.become(200);
    const hasEnded = fromNow(isOf(key, end));
    await using daemon = await startTestDaemon({ folder: place.folder });
    await daemon.untilEvent(hasEnded);
    const [tick, ...more] = await ticksOf(daemon, key);
    assert.deepEqual([tick?.state, tick?.by, more.length], [state, "person", 0]);
    assert.match(tick?.reason ?? "", reason);
    const keys = effects(place, "attempt").map((effect) => effect.key);
    assert.equal(keys.length, attempts);
    assert.equal(new Set(keys).size, 1);
    assert.equal(effects(place, fn).length, 1);
    // What has ended so does not keep the next moment back.
    const hasSucceeded = fromNow(isOf(key, "Succeeded"));
    await daemon.plane.triggerCron(key);
    await daemon.untilEvent(hasSucceeded);
    assert.equal(effects(place, fn).length, 2);
    assert.equal(new Set(effects(place, fn).map((effect) => effect.key)).size, 2);
  });

test("SIGTERM lets a call end, and its tick is recorded", async () => {
  await using place = await createPlace();
  await using endpoint = await startEndpoint();
  const spec = { schedule: hourlyElsewhere(), tool: "press.punch", ...argumentsOf };
  const files = {
    ...pressFiles(endpoint, place),
    "agents.d/press-cron.yaml": cronFile("press", spec),
  };
  {
    await using daemon = await startTestDaemon({ folder: place.folder, files });
    await daemon.untilReady(key);
    const isHeld = endpoint.hold();
    await daemon.plane.triggerCron(key);
    await isHeld;
    daemon.kill("SIGTERM");
    await daemon.says("draining");
    endpoint.become(200);
    assert.equal(await daemon.exit, 0, daemon.stderr());
  }
  await using daemon = await startTestDaemon({ folder: place.folder });
  await daemon.untilReady(key);
  assert.deepEqual(
    (await ticksOf(daemon, key)).map(({ state }) => state),
    ["ok"],
  );
  assert.equal(effects(place, "attempt").length, 1);
});

test("pauseOnFailure: a tool that fails pauses the cron, also over a kill, until it is resumed", async () => {
  await using place = await createPlace();
  await using endpoint = await startEndpoint();
  endpoint.become(500);
  const spec = { schedule: "every 1s", tool: "press.stamp", pauseOnFailure: true };
  const files = {
    ...pressFiles(endpoint, place),
    "agents.d/press-cron.yaml": cronFile("press", spec),
  };
  {
    await using daemon = await startTestDaemon({ folder: place.folder, files });
    await daemon.untilEvent(isOf(key, "Paused"));
    daemon.kill("SIGKILL");
    await daemon.exit;
  }
  endpoint.become(200);
  await using daemon = await startTestDaemon({ folder: place.folder });
  const paused = await daemon.until(key, (object) => cronOf(object).state === "paused");
  assert.match(cronOf(paused).reason ?? "", /the press answers 500/);
  assert.equal(effects(place, "attempt").length, 1);
  const hasSucceeded = fromNow(isOf(key, "Succeeded"));
  await daemon.plane.resumeCron(key);
  await daemon.untilEvent(hasSucceeded);
  const [first, second] = await ticksOf(daemon, key);
  assert.deepEqual([first?.state, second?.state], ["failed", "ok"]);
  await daemon.untilReady(key);
});
