// Goal: what a watcher sees and does is seen and done once: lines of a log, calls of tools, messages to other agents, through kill -9 and through an agent that goes and comes again (R01).
// Method: real daemons over a real log file; a tool that acts and then asks an endpoint, which the test holds, so that kills come between a fire and the end of its delivery.
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  actingRoots,
  agentFile,
  fromNow,
  isOf,
  isTurnEnd,
  opsFiles,
  pollFile,
  pressFiles,
  told,
  watcherKey,
  watchOf,
} from "../testing/acting.ts";
import { agentKey, startTestDaemon } from "../testing/daemon.ts";
import { startEndpoint } from "../testing/endpoint.ts";
import { startModelServer } from "../testing/model-server.ts";
import { createPlace, manifestOf, type Place } from "./durable-shop.ts";

const answering = () => startModelServer(() => ({ action: "return", result: "seen" }));
const isDown = "when status >= 500";

function effects(place: Place, name: string) {
  return place.effects().filter((effect) => effect.name === name);
}

test("lines that are written while daemons are killed one after the other are seen once each, in order", async () => {
  await using place = await createPlace();
  await using model = await answering();
  const key = watcherKey("log");
  const files = {
    ...opsFiles(model, place),
    "watchers.d/log.yaml": manifestOf("Watcher", "log", {
      ...{ type: "fileWatch", path: "../app.log", interval: "100ms", agent: "ops" },
      trigger: "when size(lines) > 0 every poll then wake \"{{join(lines, ' ')}}\"",
    }),
    "app.log": "",
  };
  const log = join(place.folder, "app.log");
  let written = 0;
  const write = (count: number) => {
    for (let index = 0; index < count; index += 1) appendFileSync(log, `line-${written++};\n`);
  };
  {
    await using daemon = await startTestDaemon({ folder: place.folder, files, args: actingRoots });
    await daemon.until(key, (object) => (watchOf(object).polls ?? 0) > 0);
    write(2);
    await daemon.untilEvent(isTurnEnd);
    daemon.kill("SIGKILL");
    await daemon.exit;
  }
  // The second one is killed as it fires, and the third when it has told that.
  for (const isPlace of [isOf(key, "Fired"), isTurnEnd]) {
    write(3);
    const isNow = fromNow(isPlace);
    await using daemon = await startTestDaemon({ folder: place.folder, args: actingRoots });
    await daemon.untilEvent(isNow);
    daemon.kill("SIGKILL");
    await daemon.exit;
  }
  write(1);
  const isLast = fromNow(isTurnEnd);
  await using daemon = await startTestDaemon({ folder: place.folder, args: actingRoots });
  await daemon.untilEvent(isLast);
  const isTold = (object: Parameters<typeof watchOf>[0]) => watchOf(object).pending === 0;
  await daemon.until(key, isTold);
  const isIdle = (object: Awaited<ReturnType<typeof daemon.plane.read>>) =>
    JSON.stringify(object?.status).includes('"queued":0');
  await daemon.until(agentKey("ops"), isIdle);
  // What was sent to the model, each task once: a turn that was killed is asked again with the same.
  const runs = await daemon.plane.runs({ agent: "ops", limit: 100 });
  const texts = await Promise.all(
    runs.toReversed().map(async ({ run }) => JSON.stringify(await daemon.plane.runDetail(run))),
  );
  const lines = texts.flatMap((text) => [
    ...new Set([...text.matchAll(/line-(\d+);/g)].map(([, number]) => Number(number))),
  ]);
  assert.deepEqual(
    lines,
    Array.from({ length: written }, (_, index) => index),
  );
});

test("a tool of a trigger that is killed between its fire and the end of its call is called again with the same key", async () => {
  await using place = await createPlace();
  await using press = await startEndpoint();
  await using shop = await startEndpoint();
  const key = watcherKey("checkout");
  const spec = {
    trigger: `${isDown} then tool:press.stamp {"status": status}`,
    recovery: 'tool:press.stamp {"status": "over"}',
  };
  const files = {
    ...pressFiles(press, place),
    "watchers.d/checkout.yaml": pollFile("checkout", shop, { ...spec, agent: undefined }),
  };
  for (const kill of ["first", "second"]) {
    const isHeld = press.hold();
    await using daemon = await startTestDaemon({ folder: place.folder, files, args: actingRoots });
    await daemon.untilReady(key);
    shop.become(503);
    await isHeld;
    assert.equal(effects(place, "attempt").length, kill === "first" ? 1 : 2);
    daemon.kill("SIGKILL");
    await daemon.exit;
  }
  press.become(200);
  await using daemon = await startTestDaemon({ folder: place.folder, args: actingRoots });
  await daemon.until(key, (object) => watchOf(object).pending === 0);
  shop.become(200);
  const isOver = (object: Parameters<typeof watchOf>[0]) => watchOf(object).state === "idle";
  await daemon.until(key, isOver);
  await daemon.until(key, (object) => watchOf(object).pending === 0);
  const attempts = effects(place, "attempt").map((effect) => effect.key);
  assert.equal(attempts.length, 4);
  assert.equal(new Set(attempts.slice(0, 3)).size, 1);
  assert.deepEqual(
    effects(place, "stamp").map(({ args }) => args),
    [{ status: 503 }, { status: "over" }],
  );
  assert.equal(watchOf(await daemon.plane.read(key)).fires, 1);
});

test("a tool that knows no keys and is killed in the middle of its call is not called again, and the end of firing is not told", async () => {
  await using place = await createPlace();
  await using press = await startEndpoint();
  await using shop = await startEndpoint();
  const key = watcherKey("checkout");
  const spec = {
    trigger: `${isDown} then tool:press.punch {"status": status}`,
    recovery: 'tool:press.punch {"status": "over"}',
  };
  const files = {
    ...pressFiles(press, place),
    "watchers.d/checkout.yaml": pollFile("checkout", shop, { ...spec, agent: undefined }),
  };
  {
    const isHeld = press.hold();
    await using daemon = await startTestDaemon({ folder: place.folder, files, args: actingRoots });
    await daemon.untilReady(key);
    shop.become(503);
    await isHeld;
    daemon.kill("SIGKILL");
    await daemon.exit;
  }
  press.become(200);
  await using daemon = await startTestDaemon({ folder: place.folder, args: actingRoots });
  const failed = await daemon.untilEvent(isOf(key, "DeliveryFailed"));
  assert.match(JSON.stringify(failed.data), /LEG2706.*nobody knows/);
  shop.become(200);
  await daemon.untilEvent(isOf(key, "Recovered"));
  shop.become(503);
  // The next time of firing is another call.
  await daemon.until(key, (object) => {
    const { fires, pending } = watchOf(object);
    return fires === 2 && pending === 0;
  });
  assert.deepEqual(
    effects(place, "punch").map(({ args }) => args),
    [{ status: 503 }, { status: 503 }],
  );
  assert.equal(new Set(effects(place, "attempt").map((effect) => effect.key)).size, 2);
});

test("message: another agent is told, and the watcher's own is not", async () => {
  await using place = await createPlace();
  await using model = await answering();
  await using shop = await startEndpoint();
  const files = {
    ...opsFiles(model, place),
    "agents.d/boss.yaml": agentFile("boss"),
    "watchers.d/checkout.yaml": pollFile("checkout", shop, {
      trigger: `${isDown} then message:boss "it answers {{status}}"`,
    }),
  };
  await using daemon = await startTestDaemon({ folder: place.folder, files, args: actingRoots });
  await daemon.untilReady(watcherKey("checkout"));
  shop.become(502);
  await daemon.untilEvent(isTurnEnd);
  const [text = "", ...more] = await told(daemon, "boss");
  assert.match(text, /it answers 502/);
  assert.deepEqual([...more, ...(await told(daemon))], []);
});

test("a watcher whose agent is deleted and comes again rests meanwhile, and wakes the new one", async () => {
  await using place = await createPlace();
  await using model = await answering();
  await using shop = await startEndpoint();
  const key = watcherKey("checkout");
  const files = {
    ...opsFiles(model, place),
    "watchers.d/checkout.yaml": pollFile("checkout", shop, {
      trigger: `${isDown} then wake "it answers {{status}}"`,
    }),
  };
  await using daemon = await startTestDaemon({ folder: place.folder, files, args: actingRoots });
  const { metadata } = await daemon.untilReady(agentKey("ops"));
  await daemon.untilReady(key);
  await daemon.remove("agents.d/ops.yaml");
  await daemon.until(agentKey("ops"), (object) => object === undefined);
  const rests = await daemon.until(
    key,
    (object) =>
      watchOf(object).state === "suspended" &&
      /AgentMissing.*Until then it rests\./.test(JSON.stringify(object?.status.conditions)),
  );
  // Nobody looks at what happens meanwhile.
  shop.become(503);
  assert.equal(watchOf(await daemon.plane.read(key)).polls, watchOf(rests).polls);
  await daemon.replace("agents.d/ops.yaml", agentFile("ops", { description: "Is back." }));
  const again = await daemon.untilReady(agentKey("ops"));
  assert.notEqual(again.metadata.uid, metadata.uid);
  await daemon.untilEvent(isTurnEnd);
  const [text = "", ...more] = await told(daemon);
  assert.match(text, /it answers 503/);
  assert.deepEqual(more, []);
  await daemon.until(key, (object) => watchOf(object).pending === 0);
});
