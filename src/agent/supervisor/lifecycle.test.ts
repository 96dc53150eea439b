// Goal: the states of an agent mean what they say, survive the process, and faults, time and the kill switch lead to them (R43).
// Method: the supervisor over the real inbox in memory, with turns that the test ends itself and time that it lets pass.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { LegionError } from "../../lib/errors.ts";
import type { ManifestObject } from "../../manifest/objects.ts";
import type { ResourceKey } from "../../state/resource.ts";
import { quiet, supervisorRig, until } from "../../testing/supervised.ts";
import { agentObject, cancelOf, echo, generationOf } from "../../testing/turns.ts";
import type { SupervisorOptions } from "./supervisor.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

let object: ManifestObject<"Agent">;
before(async () => {
  object = await agentObject();
});

const keyOf = (name: string): ResourceKey => ({ kind: "Agent", namespace: "default", name });
const a = keyOf("a");
const never = new AbortController().signal;
const why = { reason: "to look at it", actor: "pat" };
type Rig = Parameters<typeof supervisorRig>[1];
const rig = (options: Rig = {}) => supervisorRig(object, options);
/** The same state under another process. */
const after = ({ inbox, state, time }: ReturnType<typeof rig>, more: Rig = {}) =>
  rig({ inbox, lifecycles: state.lifecycles, journal: state.journal, ...time, ...more });
const restartOf = (more: Partial<ManifestObject<"Agent">["spec"]["restart"]> = {}) => ({
  restart: { ...object.spec.restart, ...more },
});

test("a paused agent takes messages, ends the turn that runs, and begins none, also after a restart of the process", async () => {
  const first = rig();
  const { supervisor, turns, ensure } = first;
  ensure();
  await supervisor.tell(a, { task: "one" });
  const one = await turns.at(0);
  const state = await supervisor.move(a, "paused", why);
  assert.deepEqual(state.lifecycle, { state: "paused", ...why });
  await supervisor.tell(a, { task: "two" });
  assert.equal(one.signal.aborted, false);
  one.answer();
  await until(supervisor, () => supervisor.state(a)?.phase === "idle");
  await quiet();
  assert.deepEqual([turns.begun.length, supervisor.state(a)?.queued], [1, 1]);
  await supervisor.close(0);

  const next = after(first);
  next.ensure();
  await quiet();
  assert.deepEqual(next.supervisor.state(a)?.lifecycle, { state: "paused", ...why });
  assert.equal(next.turns.begun.length, 0);
  await next.supervisor.move(a, "running", why);
  const two = await next.turns.at(0);
  assert.equal(two.task, "two");
  two.answer();
});

test("a stopped agent refuses messages with the next step, and keeps those that it has", async () => {
  const { supervisor, turns, ensure } = rig();
  ensure();
  for (const task of ["one", "two"]) await supervisor.tell(a, { task });
  (await turns.at(0)).answer();
  const second = await turns.at(1);
  await supervisor.tell(a, { task: "three" });
  await supervisor.move(a, "stopped", why);
  for (const refused of [
    supervisor.tell(a, { task: "late" }),
    supervisor.ask(a, { task: "late" }, never),
  ])
    await assert.rejects(refused, {
      code: "LEG2071",
      message: /stopped.*to look at it/,
      hint: /legion resume agent\/a/,
    });
  second.answer();
  await quiet();
  assert.deepEqual([turns.begun.length, supervisor.state(a)?.queued], [2, 1]);
  await supervisor.move(a, "running", why);
  (await turns.at(2)).answer();
  await until(supervisor, () => supervisor.state(a)?.turns === 3);
});

test("a terminated agent ends its turns, answers what waits, takes nothing more, and stays so", async () => {
  const first = rig();
  const { supervisor, turns, ensure } = first;
  ensure();
  const asked = ["one", "two"].map((task) => supervisor.ask(a, { task }, never));
  const one = await turns.at(0);
  const moved = supervisor.move(a, "terminated", why);
  await quiet();
  assert.equal(one.signal.aborted, true);
  one.interrupt();
  await moved;
  const results = (await Promise.all(asked)).map(({ result }) =>
    result.status === "cancel" ? [result.reason, result.error.code] : [],
  );
  assert.deepEqual(results, [
    ["interrupted", "LEG2072"],
    ["terminated", "LEG2072"],
  ]);
  await assert.rejects(supervisor.tell(a, { task: "x" }), { code: "LEG2072" });
  for (const to of ["running", "paused", "stopped", "terminated"] as const)
    await assert.rejects(supervisor.move(a, to, why), { code: "LEG2070" });
  await supervisor.close(0);
  const next = after(first);
  await next.inbox.put({ id: "left", uid: "uid-a", task: "left behind by a crash" });
  next.ensure();
  await quiet();
  assert.equal(next.supervisor.state(a)?.lifecycle.state, "terminated");
  assert.match(JSON.stringify((await next.inbox.outcome("left"))?.result), /LEG2072/);
});

test("moves are made one after the other, an edge that there is none of changes nothing, and one that cannot be kept is not made", async () => {
  const { supervisor, ensure, state, notices } = rig();
  ensure();
  const moves = (["stopped", "paused", "running"] as const).map((to) =>
    supervisor.move(a, to, why),
  );
  const settled = await Promise.allSettled(moves);
  assert.deepEqual(
    settled.map((each) => (each.status === "rejected" ? each.reason.code : "moved")),
    ["moved", "LEG2070", "moved"],
  );
  assert.deepEqual(
    notices.map((notice) => notice.split(":")[0]),
    ["Stopped", "Resumed"],
  );
  assert.equal((await state.lifecycles.read("uid-a"))?.state, "running");
  const set = () => Promise.reject(new LegionError({ code: "LEG6003", message: "full", hint: "" }));
  const full = rig({ lifecycles: { ...state.lifecycles, set } });
  full.ensure();
  await assert.rejects(full.supervisor.move(a, "paused", why), { code: "LEG6003" });
  assert.equal(full.supervisor.state(a)?.lifecycle.state, "running");
  await assert.rejects(supervisor.move(keyOf("b"), "paused", why), { code: "LEG2030" });
});

test("turns are interrupted by conversation, by run or all together, and the agent goes on", async () => {
  const { supervisor, turns, ensure } = rig();
  ensure();
  const asked = ["x", "y", "z"].map((conversation) =>
    supervisor.ask(a, { task: conversation, conversation }, never),
  );
  const [x, y, z] = [await turns.at(0), await turns.at(1), await turns.at(2)];
  const aborted = () => [x, y, z].map(({ signal }) => signal.aborted);
  assert.equal(await supervisor.interrupt(a, "x"), 1);
  assert.deepEqual(aborted(), [true, false, false]);
  assert.equal(await supervisor.cancelRun(y.run), true);
  assert.equal(await supervisor.cancelRun("nothing"), false);
  assert.deepEqual(aborted(), [true, true, false]);
  for (const turn of [x, y]) turn.interrupt();
  await Promise.all(asked.slice(0, 2));
  assert.equal(await supervisor.interrupt(a), 1);
  z.interrupt();
  const codes = (await Promise.all(asked)).map(
    ({ result }) => result.status === "cancel" && result.error.code,
  );
  assert.deepEqual(codes, ["LEG2073", "LEG2073", "LEG2073"]);
  assert.equal(await supervisor.interrupt(a), 0);
  await supervisor.tell(a, { task: "next" });
  (await turns.at(3)).answer();
});

for (const hasSpace of [true, false]) {
  test(`the kill switch cancels every turn and stops every agent${hasSpace ? "" : ", also while the disk is full"}`, async () => {
    const { lifecycles } = rig().state;
    let isFull = false;
    const set: typeof lifecycles.set = (wanted) =>
      isFull
        ? Promise.reject(new LegionError({ code: "LEG6003", message: "full", hint: "" }))
        : lifecycles.set(wanted);
    const { supervisor, turns, ensure, time } = rig({ lifecycles: { ...lifecycles, set } });
    for (const name of ["a", "b", "c"]) ensure(name);
    await supervisor.move(keyOf("c"), "terminated", why);
    isFull = !hasSpace;
    const asked = ["a", "b"].map((name) => supervisor.ask(keyOf(name), { task: name }, never));
    await turns.at(1);
    const stopped = supervisor.stopAll(why);
    await quiet();
    for (const turn of turns.begun) {
      assert.equal(turn.signal.aborted, true);
      turn.interrupt();
    }
    for (const { result } of await Promise.all(asked))
      assert.equal(result.status === "cancel" && result.error.code, "LEG2074");
    const states = supervisor.states().map(({ state }) => state.lifecycle.state);
    assert.deepEqual(states, ["stopped", "stopped", "terminated"]);
    isFull = false;
    time.advance(1_000);
    assert.equal(await stopped, 2);
    assert.equal((await lifecycles.read("uid-b"))?.state, "stopped");
  });
}

test("R43: an agent that always fails waits longer each time, others go on, and a person who resumes it begins anew", async () => {
  const failing: SupervisorOptions["runGeneration"] = async (turn) =>
    turn.agent.object.name === "a" ? cancelOf(turn, "terminated") : echo()(turn);
  const { supervisor, ensure, time, notices } = rig({ runGeneration: failing });
  for (const name of ["a", "b"]) ensure(name);
  for (let at = 0; at < 7; at += 1) await supervisor.tell(a, { task: `${at}`, from: `${at}` });
  await quiet();
  const turnsOf = (name: string) => supervisor.state(keyOf(name))?.turns;
  for (const [at, delayMs] of [10_000, 20_000, 40_000, 80_000, 160_000].entries()) {
    assert.equal(turnsOf("a"), at + 1);
    const { result } = await supervisor.ask(keyOf("b"), { task: "x" }, never);
    assert.equal(result.status, "ok");
    time.advance(delayMs - 1);
    await quiet();
    assert.equal(turnsOf("a"), at + 1, "it waits");
    time.advance(1);
    await quiet();
  }
  assert.match(notices.at(-1) ?? "", /BackOff: A turn failed with LEG5001.*in 5 m 00 s/);
  await supervisor.move(a, "paused", why);
  await supervisor.move(a, "running", why);
  await quiet();
  assert.equal(turnsOf("a"), 7);
  assert.match(notices.at(-1) ?? "", /in 10.0 s/);
});

test("R43: too many faults in a short time stop the agent, and that is told", async () => {
  const { supervisor, turns, ensure, notices } = rig();
  ensure("a", 1, restartOf({ delay: "0s", maxRestarts: 2, within: "5s" }));
  for (const at of [1, 2, 3, 4]) await supervisor.tell(a, { task: `${at}`, from: `${at}` });
  for (const at of [0, 1, 2]) (await turns.at(at)).reject(new Error("a bug"));
  await until(supervisor, () => supervisor.state(a)?.lifecycle.state === "stopped");
  assert.deepEqual(supervisor.state(a)?.lifecycle, {
    ...{ state: "stopped", reason: "restart intensity", actor: "supervisor" },
  });
  assert.match(notices.join("\n"), /Escalated: .*restart intensity.*a bug/);
  await quiet();
  assert.deepEqual([turns.begun.length, supervisor.state(a)?.queued], [3, 4]);
  await assert.rejects(supervisor.tell(a, { task: "x" }), /restart intensity/);
});

test("temporary: the first fault stops the agent", async () => {
  const { supervisor, turns, ensure } = rig();
  ensure("a", 1, restartOf({ policy: "temporary" }));
  await supervisor.tell(a, { task: "one" });
  (await turns.at(0)).answer();
  await supervisor.tell(a, { task: "two" });
  (await turns.at(1)).reject(new Error("a bug"));
  await until(supervisor, () => supervisor.state(a)?.lifecycle.state === "stopped");
});

test("ttl: an agent is terminated when it has lived so long, whenever its process began", async () => {
  const first = rig();
  const ttl = (opened: typeof first, generation = 1, text = "60d") =>
    opened.supervisor.ensure(
      generationOf({ ...object, spec: { ...object.spec, ttl: text } }, generation),
    );
  ttl(first);
  first.time.advance(50 * DAY_MS);
  await quiet();
  assert.equal(first.supervisor.state(a)?.lifecycle.state, "running");
  await first.supervisor.close(0);
  assert.deepEqual(first.time.pending(), []);
  const next = after(first);
  ttl(next);
  await quiet();
  next.time.advance(10 * DAY_MS - 1);
  await quiet();
  assert.equal(next.supervisor.state(a)?.lifecycle.state, "running");
  ttl(next, 2, "90d");
  next.time.advance(30 * DAY_MS);
  await quiet();
  assert.equal(next.supervisor.state(a)?.lifecycle.state, "running");
  next.time.advance(1);
  await quiet();
  assert.equal(next.supervisor.state(a)?.lifecycle.actor, "ttl");
  assert.equal(next.supervisor.state(a)?.lifecycle.state, "terminated");
});

test("R08: an agent is not terminated because the clock of the machine is set", async () => {
  const time = rig().time;
  let jumpMs = 0;
  const clock = { ...time.clock, now: () => time.clock.now() + jumpMs };
  const { supervisor, ensure, turns } = rig({ ...time, clock });
  ensure("a", 1, { ttl: "1h" });
  await quiet();
  jumpMs = 10 * 365 * DAY_MS;
  ensure("a", 2, { ttl: "1h" });
  time.advance(1_000);
  await quiet();
  assert.equal(supervisor.state(a)?.lifecycle.state, "running");
  jumpMs = -60 * 60 * 1000;
  await supervisor.tell(a, { task: "one" });
  (await turns.at(0)).cancel("provider_failed");
  await quiet();
  time.advance(60_000);
  (await turns.at(1)).answer();
});

test("terminateOn: an agent is terminated after a turn that ended so, and its answer stands", async () => {
  for (const [on, end] of [
    ["answer", "answer"],
    ["reached_max_iterations", "reached_max_iterations"],
    ["answer", "timeout"],
  ] as const) {
    const { supervisor, turns, ensure, inbox } = rig();
    ensure("a", 1, { terminateOn: [on] });
    const { message } = await supervisor.tell(a, { task: "one" });
    const waiting = supervisor.ask(a, { task: "two" }, never);
    const turn = await turns.at(0);
    if (end === "answer") turn.answer();
    else turn.cancel(end);
    await until(supervisor, () => supervisor.state(a)?.turns === 1);
    await quiet();
    const isOver = on === end;
    assert.equal(
      supervisor.state(a)?.lifecycle.state,
      isOver ? "terminated" : "running",
      `${on} ${end}`,
    );
    const expected = end === "answer" ? "ok" : "cancel";
    assert.equal((await inbox.outcome(message))?.result.status, expected);
    if (!isOver) (await turns.at(1)).answer();
    assert.equal((await waiting).result.status, isOver ? "cancel" : "ok");
  }
});

test("a paused agent that is deleted is not waited for, and its messages are dropped with the reason", async () => {
  const { supervisor, ensure, inbox } = rig();
  ensure();
  await supervisor.move(a, "paused", why);
  const { message } = await supervisor.tell(a, { task: "one" });
  assert.deepEqual(await supervisor.drain(a, 30_000), { isCancelled: false, dropped: 1 });
  assert.match(JSON.stringify((await inbox.outcome(message))?.result), /LEG2031/);
});
