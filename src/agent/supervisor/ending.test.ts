// Goal: the loop of a deleted agent takes nothing more, answers what it has taken within its grace time, and leaves no message without an outcome (R45).
// Method: the supervisor over real inboxes, with turns that the test ends itself and time that it lets pass.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { ManifestObject } from "../../manifest/objects.ts";
import type { Inbox } from "../../state/inbox.ts";
import { openMemoryInbox } from "../../state/inbox-memory.ts";
import type { ResourceKey } from "../../state/resource.ts";
import { manualTime } from "../../testing/manual-timers.ts";
import { quiet, supervisorRig, until } from "../../testing/supervised.ts";
import { agentObject, echo } from "../../testing/turns.ts";
import { createSession } from "../session.ts";
import type { SupervisorOptions } from "./supervisor.ts";

const GRACE_MS = 30_000;
const drainedWell = { isCancelled: false, dropped: 0 };

let object: ManifestObject<"Agent">;
before(async () => {
  object = await agentObject();
});

const keyOf = (name: string): ResourceKey => ({ kind: "Agent", namespace: "default", name });
const a = keyOf("a");
const never = new AbortController().signal;

const rig = (options: Partial<SupervisorOptions> = {}) => supervisorRig(object, options);

test("a drained loop takes nothing more, and answers what it has taken", async () => {
  const { supervisor, turns, ensure, inbox } = rig();
  ensure();
  const [first, second] = ["one", "two"].map((task) => supervisor.ask(a, { task }, never));
  const turn = await turns.at(0);
  const told = await supervisor.tell(a, { task: "three" });
  const restarted = supervisor.restart(a);
  const drained = supervisor.drain(a, GRACE_MS);
  await assert.rejects(supervisor.tell(a, { task: "late" }), { code: "LEG2031" });
  await assert.rejects(supervisor.restart(a), { code: "LEG2031" });
  assert.deepEqual([supervisor.state(a)?.phase, supervisor.state(a)?.queued], ["draining", 2]);
  assert.equal(supervisor.drain(a, GRACE_MS), drained, "asked again it is the same draining");
  turn.answer();
  assert.equal((await first)?.result.status, "ok");
  await restarted;
  (await turns.at(1)).answer();
  assert.equal((await second)?.result.status, "ok");
  (await turns.at(2)).answer();
  assert.deepEqual(await drained, drainedWell);
  assert.equal((await inbox.outcome(told.message))?.result.value, "three");
  assert.equal(supervisor.state(a), undefined);
  assert.deepEqual([...(await inbox.counts())], []);
  ensure();
  void supervisor.tell(a, { task: "again" });
  assert.equal((await turns.at(3)).task, "again");
});

test("what waits still when the grace time is over is dropped, with the reason as its answer, and counted", async () => {
  const { supervisor, turns, ensure, inbox, time } = rig();
  ensure();
  const [, second, third] = ["one", "two", "three"].map((task) =>
    supervisor.ask(a, { task }, never),
  );
  const told = await supervisor.tell(a, { task: "four" });
  await turns.at(0);
  const drained = supervisor.drain(a, GRACE_MS);
  (await turns.at(0)).answer();
  const running = await turns.at(1);
  time.advance(GRACE_MS);
  await quiet();
  running.interrupt();
  assert.deepEqual(await drained, { isCancelled: true, dropped: 2 });
  const [cut, dropped] = await Promise.all([second, third]);
  assert.ok(cut?.result.status === "cancel" && dropped?.result.status === "cancel");
  assert.deepEqual([cut.result.reason, cut.result.error.code], ["interrupted", "LEG2031"]);
  assert.deepEqual([dropped.result.reason, dropped.result.error.code], ["terminated", "LEG2031"]);
  assert.match(dropped.result.error.message, /was deleted before it came to this message/);
  assert.equal((await inbox.outcome(told.message))?.result.reason, "terminated");
  assert.deepEqual([[...(await inbox.counts())], turns.begun.length], [[], 2]);
  assert.deepEqual(time.pending(), []);
});

test("a process that ends while a loop drains begins no more of its turns", async () => {
  const { supervisor, turns, ensure, inbox } = rig();
  ensure();
  const asked = ["one", "two"].map((task) => supervisor.ask(a, { task }, never));
  const turn = await turns.at(0);
  const drained = supervisor.drain(a, GRACE_MS);
  await quiet();
  const closed = supervisor.close(GRACE_MS);
  turn.answer();
  assert.deepEqual(await drained, { isCancelled: false, dropped: 1 });
  await closed;
  const ends = (await Promise.all(asked)).map(({ result }) => result.status);
  assert.deepEqual([ends, turns.begun.length], [["ok", "cancel"], 1]);
  assert.deepEqual([...(await inbox.counts())], []);
});

test("a message that is still being written when its agent is deleted is answered too", async () => {
  const real = openMemoryInbox(manualTime());
  const { promise: written, resolve: write } = Promise.withResolvers<void>();
  const inbox: Inbox = { ...real, put: (message) => written.then(() => real.put(message)) };
  const { supervisor, ensure } = rig({ inbox, runGeneration: echo() });
  ensure();
  const told = supervisor.tell(a, { task: "one" });
  const asked = supervisor.ask(a, { task: "two" }, never);
  await quiet();
  const drained = supervisor.drain(a, GRACE_MS);
  await quiet();
  write();
  assert.deepEqual(await drained, drainedWell);
  assert.equal((await asked).result.status, "ok");
  assert.equal((await real.outcome((await told).message))?.result.value, "one");
  assert.deepEqual([...(await real.counts())], []);
});

test("a sandbox that does not close keeps no agent from its end", async () => {
  const close = () => new Promise<void>(() => {});
  const sessionOf = async () => ({ ...createSession(), close });
  const { supervisor, turns, ensure, time } = rig({ sessionOf });
  ensure();
  await supervisor.tell(a, { task: "one" });
  (await turns.at(0)).answer();
  await until(supervisor, () => supervisor.state(a)?.turns === 1);
  const drained = supervisor.drain(a, GRACE_MS);
  await quiet();
  time.advance(2_000);
  assert.deepEqual(await drained, drainedWell);
});

test("a turn that does not end within the grace time is cancelled, and says why", async () => {
  const { supervisor, turns, ensure, time } = rig();
  ensure();
  const asked = supervisor.ask(a, { task: "one" }, never);
  const turn = await turns.at(0);
  const drained = supervisor.drain(a, GRACE_MS);
  await quiet();
  time.advance(GRACE_MS - 1);
  await quiet();
  assert.equal(turn.signal.aborted, false);
  time.advance(1);
  await quiet();
  assert.equal(turn.signal.aborted, true);
  turn.interrupt();
  assert.deepEqual(await drained, { isCancelled: true, dropped: 0 });
  const { result } = await asked;
  assert.ok(result.status === "cancel");
  assert.deepEqual([result.reason, result.error.code], ["interrupted", "LEG2031"]);
  assert.match(result.error.message, /agent\/a was deleted, and its grace period of 30.0 s/);
  assert.deepEqual(time.pending(), []);
});

test("a turn that does not hear the abort is left behind", async () => {
  const { supervisor, turns, ensure, time, inbox } = rig();
  ensure();
  const asked = supervisor.ask(a, { task: "one" }, never);
  await turns.at(0);
  const drained = supervisor.drain(a, GRACE_MS);
  await quiet();
  time.advance(GRACE_MS);
  await quiet();
  time.advance(2_000);
  assert.deepEqual(await drained, { isCancelled: true, dropped: 0 });
  const { result, message } = await asked;
  assert.equal(result.status === "cancel" && result.error.code, "LEG2031");
  (await turns.at(0)).answer("too late");
  await quiet();
  assert.equal((await inbox.outcome(message))?.result.status, "cancel");
});
