// Goal: an agent with a heartbeat is woken from time to time, and left alone when nothing has changed.
// Method: the supervisor over the real inbox in memory; time and chance are those of the test.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { ManifestObject } from "../../manifest/objects.ts";
import { quiet, supervisorRig } from "../../testing/supervised.ts";
import { agentObject, echo } from "../../testing/turns.ts";

const EVERY_MS = 60_000;

let object: ManifestObject<"Agent">;
before(async () => {
  object = await agentObject();
});

const a = { kind: "Agent", namespace: "default", name: "a" };
const why = { reason: "a test", actor: "me" };
const heartbeat = (when: "changed" | "always" = "changed") => ({
  heartbeat: { every: "60s", jitter: 10, task: "look", when },
});

/** An agent whose turns end at once, and what each was told. */
function beating() {
  const tasks: string[] = [];
  const runGeneration = echo(async ({ task, conversation }) => {
    tasks.push(`${conversation} ${task}`);
  });
  const opened = supervisorRig(object, { runGeneration, random: () => 0 });
  const pass = async (ms = EVERY_MS) => {
    opened.time.advance(ms);
    await quiet();
  };
  return { ...opened, tasks, pass };
}

test("a heartbeat comes when something has happened since the last one", async () => {
  const { supervisor, ensure, tasks, pass } = beating();
  ensure("a", 1, heartbeat());
  await pass(EVERY_MS - 1);
  assert.deepEqual(tasks, []);
  await pass(1);
  assert.deepEqual(tasks, ["heartbeat look"], "the first one");
  for (let at = 0; at < 3; at += 1) await pass();
  assert.equal(tasks.length, 1, "nothing has happened; its own turn does not count");
  await supervisor.tell(a, { task: "hello" });
  await quiet();
  await pass();
  assert.deepEqual(tasks, ["heartbeat look", "main hello", "heartbeat look"]);
  ensure("a", 2, heartbeat());
  await pass();
  assert.equal(tasks.length, 4, "another generation");
});

test("always means always, and an agent that is paused is left alone", async () => {
  const { supervisor, ensure, tasks, pass } = beating();
  ensure("a", 1, heartbeat("always"));
  await quiet();
  for (let at = 0; at < 3; at += 1) await pass();
  assert.equal(tasks.length, 3);
  await supervisor.move(a, "paused", why);
  for (let at = 0; at < 3; at += 1) await pass();
  assert.equal(tasks.length, 3);
  await supervisor.move(a, "running", why);
  await pass();
  assert.equal(tasks.length, 4, "what was left out is not made up for");
});

test("an edit changes the heartbeat, and a deletion or the end of the process ends it", async () => {
  const { supervisor, ensure, tasks, pass, time } = beating();
  ensure("a", 1, heartbeat("always"));
  ensure("b", 1, heartbeat("always"));
  ensure("a", 2, {});
  await quiet();
  await pass();
  assert.deepEqual(tasks, ["heartbeat look"], "that of b only");
  ensure("a", 3, heartbeat("always"));
  await pass();
  assert.equal(tasks.length, 3);
  await supervisor.drain(a, EVERY_MS);
  await pass();
  assert.equal(tasks.length, 4);
  await supervisor.close(0);
  assert.deepEqual(time.pending(), []);
});

test("a heartbeat of more than 24 days comes when it is due", async () => {
  const { ensure, tasks, pass } = beating();
  ensure("a", 1, { heartbeat: { every: "30d", jitter: 0, task: "look", when: "always" } });
  const dayMs = 24 * 60 * EVERY_MS;
  await pass(30 * dayMs - 1);
  assert.deepEqual(tasks, []);
  await pass(1);
  assert.deepEqual(tasks, ["heartbeat look"]);
});
