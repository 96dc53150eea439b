// Goal: however a daemon ends, in good order, in a hurry or by kill -9, no message that it took is lost and no turn is left in doubt (R45).
// Method: real daemons get real signals while the model holds an answer; another daemon goes on with the same state.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { DaemonEvent } from "../telemetry/events.ts";
import { agentKey, startTestDaemon, type TestDaemon } from "../testing/daemon.ts";
import { startHeldDaemon } from "../testing/held-daemon.ts";
import { agentManifest } from "../testing/manifests.ts";

const a = agentKey("a");
const message = (task: string) => ({ namespace: "default", name: "a", task });

/** The run of a task that was begun by this process or a later one, not by the one before. */
async function answered(daemon: TestDaemon, task: string, since: string): Promise<void> {
  const begun = await daemon.untilEvent(
    ({ kind, data, at }) =>
      kind === "legion.agent.started" && "task" in data && data.task === task && at >= since,
  );
  await daemon.untilEvent(
    (event) =>
      event.kind === "legion.agent.stopped" &&
      event.run === runOf(begun) &&
      event.data.status === "ok",
  );
}

function runOf(event: DaemonEvent): string | undefined {
  return "run" in event ? event.run : undefined;
}

const tasksOf = (requests: readonly { readonly body: Record<string, unknown> }[]) =>
  requests.map(({ body }) => (body.messages as { content: string }[]).at(-1)?.content);

suite("signals while a turn runs", { concurrency: 3 }, () => {
  test("R45: SIGTERM lets the turn end; its asker gets the answer, and what waits is answered after the next start", async () => {
    await using held = await startHeldDaemon();
    const { daemon, model } = held;
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    for (const task of ["two", "three"]) await daemon.plane.tell(message(task));
    daemon.kill("SIGTERM");
    await daemon.says("draining: turns that run have up to 30.0 s");
    await assert.rejects(daemon.plane.tell(message("late")));
    first.release();
    const outcome = await asking;
    assert.deepEqual([outcome.result.value, outcome.generation], ["answer to one", 1]);
    assert.equal(await daemon.exit, 0, daemon.stderr());
    assert.equal(model.requests.length, 1, "no other turn began while it drained");
    model.releaseAll();
    const since = new Date().toISOString();
    await using next = await startTestDaemon({ folder: daemon.folder });
    for (const task of ["two", "three"]) await answered(next, task, since);
    assert.deepEqual(tasksOf(model.requests), ["one", "two", "three"]);
    assert.equal((await next.plane.status()).agents.queued, 0);
  });

  test("R45: a turn that outlasts --grace is cut; its asker is told that the message is kept, and it is answered after the next start", async () => {
    await using held = await startHeldDaemon({ args: ["--grace", "1s"] });
    const { daemon, model } = held;
    const asking = assert.rejects(daemon.ask("a", "one"), { code: "LEG2033" });
    await model.at(0);
    daemon.kill("SIGTERM");
    assert.equal(await daemon.exit, 0, daemon.stderr());
    await asking;
    model.releaseAll();
    const since = new Date().toISOString();
    await using next = await startTestDaemon({ folder: daemon.folder });
    await answered(next, "one", since);
    assert.deepEqual(tasksOf(model.requests), ["one", "one"]);
  });

  for (const [signal, exitCode] of [
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const) {
    test(`R45: a second ${signal} ends at once with ${exitCode}, and loses nothing`, async () => {
      await using held = await startHeldDaemon();
      const { daemon, model } = held;
      const asking = assert.rejects(daemon.ask("a", "one"));
      await model.at(0);
      daemon.kill(signal);
      await daemon.says("draining");
      daemon.kill(signal);
      assert.equal(await daemon.exit, exitCode);
      await asking;
      model.releaseAll();
      const since = new Date().toISOString();
      await using next = await startTestDaemon({ folder: daemon.folder });
      await answered(next, "one", since);
    });
  }

  test("kill -9 in the middle of a turn: every message that was taken is answered after the next start", async () => {
    await using held = await startHeldDaemon();
    const { daemon, model } = held;
    const asking = assert.rejects(daemon.ask("a", "one"));
    await model.at(0);
    await daemon.plane.tell(message("two"));
    daemon.kill("SIGKILL");
    assert.equal(await daemon.exit, null);
    await asking;
    model.releaseAll();
    const since = new Date().toISOString();
    await using next = await startTestDaemon({ folder: daemon.folder });
    for (const task of ["one", "two"]) await answered(next, task, since);
    assert.deepEqual(tasksOf(model.requests), ["one", "one", "two"]);
  });

  test("kill -9 with a manifest that changes before the next start: the turn goes on as it began, the next one is of the new generation", async () => {
    await using held = await startHeldDaemon();
    const { daemon, model } = held;
    await daemon.plane.tell(message("one"));
    await model.at(0);
    daemon.kill("SIGKILL");
    await daemon.exit;
    await daemon.write({
      "agents.d/a.yaml": agentManifest("a", { instructions: "Speak of NEW." }),
    });
    model.releaseAll();
    const since = new Date().toISOString();
    await using next = await startTestDaemon({ folder: daemon.folder });
    await answered(next, "one", since);
    assert.doesNotMatch((await model.at(1)).system, /Speak of NEW/);
    await next.ask("a", "two");
    assert.match((await model.at(2)).system, /Speak of NEW/);
    assert.equal((await next.untilReady(a, 2)).metadata.generation, 2);
  });

  test("SIGHUP reads everything anew in the middle of a turn and takes nothing from it", async () => {
    await using held = await startHeldDaemon({ agent: { instructions: "Of the FILE." } });
    const { daemon, model } = held;
    const asking = daemon.ask("a", "one");
    const first = await model.at(0);
    const found = await daemon.untilReady(a);
    const { kind, metadata, spec } = found;
    const { name, namespace } = metadata;
    // Somebody else changes the object, which only a forced reload sets right.
    await daemon.plane.apply({
      objects: [
        {
          kind,
          name,
          namespace,
          labels: {},
          annotations: {},
          spec: { ...spec, instructions: "Of another." },
        },
      ],
      source: "apply:elsewhere",
      manager: "somebody",
      force: true,
      digest: "1",
    });
    await daemon.until(a, (object) => object?.metadata.generation === 2);
    daemon.kill("SIGHUP");
    await daemon.until(a, (object) => object?.metadata.generation === 3);
    first.release();
    const outcome = await asking;
    assert.deepEqual([outcome.result.value, outcome.generation], ["answer to one", 1]);
    model.releaseAll();
    const next = await daemon.ask("a", "two");
    assert.equal(next.generation, 3);
    assert.match((await model.at(1)).system, /Of the FILE/);
  });
});
