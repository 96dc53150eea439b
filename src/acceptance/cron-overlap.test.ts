// Goal: what a moment does while the turn of an earlier one goes on is what spec.overlap says, with turns that are really cancelled.
// Method: real daemons with a model that holds its answers; moments of every second, or such that a person asks for where their number counts.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  cronFile,
  cronKey,
  cronOf,
  hourlyElsewhere,
  isOf,
  nth,
  opsFiles,
  ticksOf,
} from "../testing/acting.ts";
import { startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import { type HeldModel, startHeldModel } from "../testing/held-model.ts";
import { createPlace } from "./durable-shop.ts";

const key = cronKey("tidy");
const cron = { agent: "ops", task: "Tidy up, run {{count}}." };

/** A daemon with one cron, whose agent waits for its model. */
async function start(spec: object) {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await createPlace());
  const model: HeldModel = stack.use(await startHeldModel());
  const files = {
    ...opsFiles(model, place),
    "agents.d/tidy.yaml": cronFile("tidy", { ...cron, ...spec }),
  };
  const daemon: TestDaemon = stack.use(await startTestDaemon({ folder: place.folder, files }));
  await daemon.untilReady(key);
  const owned = stack.move();
  return { daemon, model, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function states(daemon: TestDaemon): Promise<readonly string[]> {
  return (await ticksOf(daemon, key)).map(({ state }) => state);
}

/** How the turns of the agent ended, oldest first. */
async function turns(daemon: TestDaemon): Promise<readonly string[]> {
  return (await daemon.events()).flatMap((event) => {
    if (event.kind !== "legion.agent.stopped") return [];
    const { data } = event;
    return [data.status === "ok" ? "ok" : `${data.status} ${data.reason}`];
  });
}

suite("a moment while an earlier turn goes on", { concurrency: 3 }, () => {
  test("skip: moments of every second are skipped while a turn goes on, and the next one after it runs", async () => {
    await using rig = await start({ schedule: "every 1s" });
    const { daemon, model } = rig;
    const first = await model.at(0);
    await daemon.untilEvent(isOf(key, "Skipped"));
    await daemon.until(key, (object) => cronOf(object).last?.state === "skipped");
    first.release();
    model.releaseAll();
    await daemon.untilEvent(nth(2, isOf(key, "Succeeded")));
    const seen = await states(daemon);
    assert.deepEqual(seen.slice(0, 2), ["ok", "skipped"]);
    assert.match((await ticksOf(daemon, key))[1]?.reason ?? "", /an earlier run still went on/);
    assert.ok((await turns(daemon)).every((turn) => turn === "ok"));
  });

  test("cancelOther: the turn is interrupted, and the later moment runs when it has ended", async () => {
    await using rig = await start({ schedule: "every 1s", overlap: "cancelOther", maxRuns: 2 });
    const { daemon, model } = rig;
    // Of the one that is cancelled, nothing more is answered; it may be so before its model is asked.
    for (let index = 0, isLater = false; !isLater; index += 1) {
      const held = await model.at(index);
      isLater = held.conversation.at(-1)?.includes("run 2") ?? false;
      if (isLater) held.release();
    }
    await daemon.untilEvent(isOf(key, "Ended"));
    const ran = (await ticksOf(daemon, key)).filter(({ startedMs }) => startedMs !== undefined);
    assert.deepEqual(
      ran.map(({ state }) => state),
      ["cancelled", "ok"],
    );
    const [before, after] = ran;
    assert.ok((before?.endedMs ?? 0) <= (after?.startedMs ?? 0));
    assert.deepEqual(await turns(daemon), ["cancel interrupted", "ok"]);
    assert.equal(cronOf(await daemon.plane.read(key)).state, "ended");
  });

  /** Of three moments, while the turn of the first is held: how each stands then, and how at the end. */
  const table = [
    {
      overlap: "bufferOne",
      held: ["started", "waiting", "skipped"],
      ended: ["ok", "ok", "skipped"],
      turns: ["ok", "ok"],
    },
    {
      overlap: "bufferAll",
      held: ["started", "waiting", "waiting"],
      ended: ["ok", "ok", "ok"],
      turns: ["ok", "ok", "ok"],
    },
    {
      overlap: "terminateOther",
      held: undefined,
      ended: ["cancelled", "cancelled", "ok"],
      turns: undefined,
    },
    {
      overlap: "allowAll",
      held: ["started", "started", "started"],
      ended: ["ok", "ok", "ok"],
      turns: ["ok", "ok", "ok"],
    },
  ];

  for (const { overlap, held, ended, turns: wanted } of table)
    test(`${overlap}: three moments while the turn of the first goes on`, async () => {
      await using rig = await start({ schedule: hourlyElsewhere(), overlap });
      const { daemon, model } = rig;
      await daemon.plane.triggerCron(key);
      await model.at(0);
      await daemon.plane.triggerCron(key);
      await daemon.plane.triggerCron(key);
      if (held !== undefined) assert.deepEqual(await states(daemon), held);
      model.releaseAll();
      await daemon.until(key, (object) => {
        const { running, queued } = cronOf(object);
        return running === 0 && queued === 0;
      });
      assert.deepEqual(await states(daemon), ended);
      const ends = await turns(daemon);
      if (wanted !== undefined) assert.deepEqual(ends, wanted);
      assert.equal(ends.at(-1), "ok");
    });

  test("a moment that waits when the daemon is killed runs in the next one, after the one that it waits for", async () => {
    await using place = await createPlace();
    await using model = await startHeldModel();
    const spec = { ...cron, schedule: hourlyElsewhere(), overlap: "bufferOne" };
    const files = { ...opsFiles(model, place), "agents.d/tidy.yaml": cronFile("tidy", spec) };
    {
      await using daemon = await startTestDaemon({ folder: place.folder, files });
      await daemon.untilReady(key);
      await daemon.plane.triggerCron(key);
      await model.at(0);
      await daemon.plane.triggerCron(key);
      daemon.kill("SIGKILL");
      await daemon.exit;
    }
    model.releaseAll();
    await using daemon = await startTestDaemon({ folder: place.folder });
    await daemon.untilEvent(nth(2, isOf(key, "Succeeded")));
    const [first, second, ...more] = await ticksOf(daemon, key);
    assert.deepEqual([first?.state, second?.state, more.length], ["ok", "ok", 0]);
    assert.ok((first?.endedMs ?? 0) <= (second?.startedMs ?? 0));
    const runs = await daemon.plane.runs({ agent: "ops" });
    assert.deepEqual(
      runs.map(({ message }) => message).toSorted(),
      [first?.message, second?.message].toSorted(),
    );
  });

  test("a cron that is deleted while its turn goes on takes the turn with it", async () => {
    await using rig = await start({ schedule: hourlyElsewhere() });
    const { daemon, model } = rig;
    await daemon.plane.triggerCron(key);
    await model.at(0);
    await daemon.remove("agents.d/tidy.yaml");
    await daemon.until(key, (object) => object === undefined);
    await daemon.untilEvent(({ kind }) => kind === "legion.agent.stopped");
    assert.deepEqual(await turns(daemon), ["cancel interrupted"]);
  });
});
