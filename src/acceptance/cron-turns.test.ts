// Goal: each moment of a cron gives its agent one turn with one effect, wherever the daemon is killed, and no moment has a second message (R01).
// Method: real daemons, every second over a real model server; they are killed where a turn stands in the middle or an event has just come, and what is left is compared: ticks, runs, effects.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { DaemonEvent } from "../telemetry/events.ts";
import {
  cronFile,
  cronKey,
  fromNow,
  isOf,
  isTurnEnd,
  nth,
  opsFiles,
  rest,
  taskOf,
  ticksOf,
} from "../testing/acting.ts";
import { type Files, startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import type { ModelReply } from "../testing/model-reply.ts";
import {
  type ModelServer,
  type RecordedRequest,
  startModelServer,
} from "../testing/model-server.ts";
import { createPlace, type Place } from "./durable-shop.ts";

const key = cronKey("restock");
const every = { schedule: "every 1s", agent: "ops", task: "Restock for {{tick}}." };

/** One step that acts once for the moment that the task names, and one that ends the turn. */
function steps(name: "charge" | "reserve", request: RecordedRequest): readonly ModelReply[] {
  const { task } = taskOf(request, /Restock for (\S+)\./);
  const code = `await tools.shop.${name}({ tick: ${JSON.stringify(task)} })`;
  return [
    { action: "eval_and_continue", code },
    { action: "return", result: "restocked" },
  ];
}

const stepOf = (request: RecordedRequest) => taskOf(request, /Restock for (\S+)\./).step;

function files(model: ModelServer, place: Place, spec: object): Files {
  return { ...opsFiles(model, place), "agents.d/restock.yaml": cronFile("restock", spec) };
}

/** Holds what is recorded of each moment against the messages, the runs and the effects: one of each, or none. */
async function compare(daemon: TestDaemon, place: Place, started: readonly string[]) {
  const ticks = await ticksOf(daemon, key);
  const ran = ticks.filter(({ startedMs }) => startedMs !== undefined);
  assert.deepEqual(
    ran.map(({ state }) => state).filter((state) => !started.includes(state)),
    [],
  );
  assert.equal(new Set(ticks.map(({ atMs }) => atMs)).size, ticks.length);
  const messages = ran.map(({ message }) => message);
  assert.equal(new Set(messages).size, messages.length);
  const runs = await daemon.plane.runs({ agent: "ops", limit: 500 });
  assert.deepEqual(runs.map(({ message }) => message).toSorted(), messages.toSorted());
  const done = place.effects().map(({ args }) => Date.parse((args as { tick: string }).tick));
  assert.deepEqual(
    done.toSorted((a, b) => a - b),
    ran.map(({ atMs }) => atMs),
  );
  return ticks;
}

suite("moments of every second", { concurrency: 3 }, () => {
  test("every second is a turn of its own, and its tick says how it went", async () => {
    await using place = await createPlace();
    await using model = await startModelServer(
      (request) => steps("charge", request)[stepOf(request)] ?? {},
    );
    await using daemon = await startTestDaemon({
      folder: place.folder,
      files: files(model, place, every),
    });
    await daemon.untilReady(key);
    await daemon.untilEvent(nth(3, isOf(key, "Succeeded")));
    await rest(daemon, "restock", every);
    const ticks = await compare(daemon, place, ["ok"]);
    assert.ok(ticks.filter(({ state }) => state === "ok").length >= 3);
    assert.ok(ticks.every(({ atMs, by }) => atMs % 1_000 === 0 && by === "schedule"));
  });

  for (const [step, where] of ["before its effect", "after its effect"].entries())
    test(`a daemon that is killed in the middle of a turn, ${where}: the next one goes on with the same tick`, async () => {
      await using place = await createPlace();
      const held = Promise.withResolvers<void>();
      let isHeld = false;
      await using model = await startModelServer((request) => {
        const reply = steps("charge", request)[stepOf(request)] ?? {};
        const isSecondTick = place.effects().length === 1 + step;
        if (isHeld || !isSecondTick || stepOf(request) !== step) return reply;
        isHeld = true;
        const until = new Promise(() => {});
        return { ...reply, fault: { kind: "hold", until, onHeld: held.resolve } };
      });
      const repository = { folder: place.folder, files: files(model, place, every) };
      {
        await using daemon = await startTestDaemon(repository);
        await held.promise;
        daemon.kill("SIGKILL");
        await daemon.exit;
      }
      assert.equal(place.effects().length, 1 + step);
      const hasSucceeded = fromNow(isOf(key, "Succeeded"));
      const hasBegun = fromNow(({ kind }) => kind === "legion.agent.started");
      await using daemon = await startTestDaemon({ folder: place.folder });
      await daemon.untilEvent(nth(2, hasSucceeded));
      await rest(daemon, "restock", every);
      const ticks = await compare(daemon, place, ["ok"]);
      const [, second] = ticks.filter(({ state }) => state === "ok");
      // It ran over the end of the one daemon and into the next.
      const [attempt] = (await daemon.events()).filter(hasBegun);
      const data = attempt?.data as { readonly message?: string; readonly attempt?: number };
      assert.deepEqual([data.message, data.attempt], [second?.message, 2]);
    });

  /** Where the daemons of one story are killed, one after the other. */
  const places: Readonly<Record<string, (event: DaemonEvent) => boolean>> = {
    "a moment was taken": isOf(key, "Started"),
    "a turn has begun": ({ kind }) => kind === "legion.agent.started",
    "a call has ended": ({ kind }) => kind === "legion.tool.call.stop",
    "a turn has ended": isTurnEnd,
    "a tick has ended": isOf(key, "Succeeded"),
  };

  test(`daemons that are killed one after the other when ${Object.keys(places).join(", ")}: each moment has one effect`, async () => {
    await using place = await createPlace();
    await using model = await startModelServer(
      (request) => steps("reserve", request)[stepOf(request)] ?? {},
    );
    const spec = { ...every, overlap: "bufferAll", catchup: "all" };
    const repository = { folder: place.folder, files: files(model, place, spec) };
    for (const isPlace of Object.values(places)) {
      const isNow = fromNow(isPlace);
      await using daemon = await startTestDaemon(repository);
      await daemon.untilEvent(nth(2, isNow));
      daemon.kill("SIGKILL");
      await daemon.exit;
    }
    const hasSucceeded = fromNow(isOf(key, "Succeeded"));
    await using daemon = await startTestDaemon(repository);
    await daemon.untilEvent(nth(3, hasSucceeded));
    await rest(daemon, "restock", spec);
    const ticks = await compare(daemon, place, ["ok"]);
    const states = new Set(ticks.map(({ state }) => state));
    assert.deepEqual(
      [...states].filter((state) => state !== "waiting"),
      ["ok"],
    );
    // Nothing was left out between the first and the last.
    const moments = ticks.map(({ atMs }) => atMs);
    const [first = 0] = moments;
    assert.deepEqual(
      moments,
      moments.map((_, index) => first + 1_000 * index),
    );
  });
});
