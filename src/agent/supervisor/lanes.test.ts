// Goal: conversations of one agent run side by side, turns of one conversation one after the other; triggers come under the cap of sessions.
// Method: the supervisor over the real inbox in memory, with turns that the test ends itself and time that it lets pass.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { ManifestObject } from "../../manifest/objects.ts";
import type { ResourceKey } from "../../state/resource.ts";
import { quiet, supervisorRig, until } from "../../testing/supervised.ts";
import { agentObject, echo } from "../../testing/turns.ts";
import { createSession } from "../session.ts";
import { RESTING_MAX } from "./sessions.ts";
import type { SupervisorOptions } from "./supervisor.ts";

let object: ManifestObject<"Agent">;
before(async () => {
  object = await agentObject();
});

const keyOf = (name: string): ResourceKey => ({ kind: "Agent", namespace: "default", name });
const a = keyOf("a");
const never = new AbortController().signal;
const rig = (options: Partial<SupervisorOptions> = {}) => supervisorRig(object, options);

test("several conversations have turns at once, each one after the other, each with its own session", async () => {
  const { supervisor, turns, ensure } = rig();
  ensure();
  for (const [task, conversation] of [
    ["x1", "x"],
    ["x2", "x"],
    ["y1", "y"],
  ] as const)
    await supervisor.tell(a, { task, conversation });
  const [x1, y1] = [await turns.at(0), await turns.at(1)];
  await quiet();
  assert.deepEqual([x1.task, y1.task, turns.begun.length], ["x1", "y1", 2]);
  assert.notEqual(x1.session, y1.session);
  const state = supervisor.state(a);
  assert.deepEqual([state?.phase, state?.queued, state?.turn?.message], ["busy", 1, x1.message]);
  assert.deepEqual(
    state?.lanes.map(({ conversation, queued, turn }) => [conversation, queued, turn?.message]),
    [
      ["main", 0, undefined],
      ["x", 1, x1.message],
      ["y", 0, y1.message],
    ],
  );
  x1.answer();
  const x2 = await turns.at(2);
  assert.deepEqual([x2.task, x2.session], ["x2", x1.session]);
  for (const turn of [y1, x2]) turn.answer();
  await until(supervisor, () => supervisor.state(a)?.turns === 3);
  assert.deepEqual(
    supervisor.state(a)?.lanes.map(({ conversation }) => conversation),
    ["main"],
  );
});

test("what an earlier process left goes on in the conversations that it was for", async () => {
  const { supervisor, turns, ensure, inbox } = rig();
  for (const conversation of ["x", "y"]) {
    await inbox.put({ id: conversation, uid: "uid-a", task: conversation, conversation });
  }
  ensure();
  const begun = [await turns.at(0), await turns.at(1)];
  assert.deepEqual(begun.map(({ conversation }) => conversation).sort(), ["x", "y"]);
  for (const turn of begun) turn.answer();
  await until(supervisor, () => supervisor.state(a)?.turns === 2);
});

test("100 messages over 5 replicas are within 20 % of even, while they run and when they are quick", async () => {
  for (const runGeneration of [undefined, echo(), echo(quiet)]) {
    const { supervisor, ensure, turns } = rig({
      maxTurns: 2,
      ...(runGeneration && { runGeneration }),
    });
    ensure("a", 1, { replicas: 5 });
    const tasks = Array.from({ length: 100 }, (_, at) => `${at}`);
    await Promise.all(tasks.map((task) => supervisor.tell(a, { task })));
    if (runGeneration === undefined) {
      for (const [at] of tasks.entries()) (await turns.at(at)).answer();
    }
    await until(supervisor, () => supervisor.state(a)?.turns === 100);
    const lanes = supervisor.state(a)?.lanes ?? [];
    assert.deepEqual(
      lanes.map(({ conversation }) => conversation),
      ["main", "main-2", "main-3", "main-4", "main-5"],
    );
    for (const lane of lanes) assert.ok(lane.turns >= 16 && lane.turns <= 24, `${lane.turns}`);
  }
});

test("a message that names its conversation goes there, however busy that is", async () => {
  const { supervisor, turns, ensure } = rig();
  ensure("a", 1, { replicas: 2, routing: "roundRobin" });
  for (const task of ["1", "2", "3"]) await supervisor.tell(a, { task });
  await supervisor.tell(a, { task: "4", conversation: "main-2" });
  const lanes = () => supervisor.state(a)?.lanes.map(({ queued }) => queued);
  await turns.at(1);
  assert.deepEqual(lanes(), [1, 1]);
  ensure("a", 2, { replicas: 1 });
  for (const at of [0, 1, 2, 3]) (await turns.at(at)).answer();
  await until(supervisor, () => supervisor.state(a)?.turns === 4);
  assert.equal(turns.begun.find(({ task }) => task === "4")?.conversation, "main-2");
});

test("R48: an agent with many conversations does not starve others", async () => {
  const { supervisor, turns, ensure } = rig({ maxTurns: 1 });
  for (const name of ["a", "b"]) ensure(name);
  for (let at = 0; at < 20; at += 1)
    await supervisor.tell(a, { task: `a${at}`, conversation: `c${at}` });
  for (const at of [0, 1]) await supervisor.tell(keyOf("b"), { task: `b${at}` });
  for (let at = 0; at < 5; at += 1) (await turns.at(at)).answer();
  await turns.at(5);
  const order = turns.begun.map(({ task }) => task);
  assert.deepEqual(order, ["a0", "a1", "b0", "a2", "b1", "a3"]);
});

test("a conversation that is ended has its turn cancelled, its messages dropped, and nothing of it is kept", async () => {
  const { supervisor, turns, ensure, state } = rig();
  ensure();
  const told = (task: string, conversation: string) =>
    supervisor.ask(a, { task, conversation }, never);
  const asked = [told("x1", "x"), told("x2", "x")];
  const other = told("y1", "y");
  const [x1, y1] = [await turns.at(0), await turns.at(1)];
  const ended = supervisor.endConversation(a, "x");
  await quiet();
  assert.deepEqual([x1.signal.aborted, y1.signal.aborted], [true, false]);
  x1.interrupt();
  assert.equal(await ended, true);
  const codes = (await Promise.all(asked)).map(
    ({ result }) => result.status === "cancel" && result.error.code,
  );
  assert.deepEqual(codes, ["LEG2078", "LEG2078"]);
  y1.answer();
  assert.equal((await other).result.status, "ok");
  assert.deepEqual([...state.sessions.keys()], ["uid-a/y"]);
  assert.equal(await supervisor.endConversation(a, "x"), false);
  await supervisor.tell(a, { task: "x3", conversation: "x" });
  const x3 = await turns.at(2);
  assert.notEqual(x3.session, x1.session);
  x3.answer();
});

test("a conversation at rest gives back its sandbox, then its memory, and goes on from its record", async () => {
  let opened = 0;
  const sessionOf = async () => {
    opened += 1;
    return createSession();
  };
  const { supervisor, ensure, time } = rig({ sessionOf, runGeneration: echo() });
  ensure();
  const turn = async (conversation: string, count: number) => {
    await supervisor.tell(a, { task: "x", conversation });
    await until(supervisor, () => supervisor.state(a)?.turns === count);
    await quiet();
  };
  for (let at = 1; at <= 50; at += 1) await turn(`c${at}`, at);
  assert.equal(time.pending().length, 50);
  time.advance(60_000);
  await quiet();
  time.advance(600_000);
  await quiet();
  assert.deepEqual([opened, time.pending()], [50, []]);
  await turn("c1", 51);
  assert.equal(opened, 51);
});

test("of many conversations that wait only so many keep something in memory, the last ones", async () => {
  let closes = 0;
  let opened = 0;
  const sessionOf = async () => {
    opened += 1;
    return {
      ...createSession(),
      close: async () => {
        closes += 1;
      },
    };
  };
  const { supervisor, ensure, time } = rig({ sessionOf, runGeneration: echo() });
  ensure();
  const count = RESTING_MAX + 10;
  for (let at = 0; at < count; at += 1) {
    await supervisor.ask(a, { task: "x", conversation: `c${at}` }, never);
    await quiet();
  }
  assert.deepEqual([opened, closes, time.pending().length], [count, 10, RESTING_MAX]);
  await supervisor.ask(a, { task: "x", conversation: `c${count - 1}` }, never);
  assert.equal(opened, count);
  await supervisor.ask(a, { task: "x", conversation: "c0" }, never);
  assert.equal(opened, count + 1);
  await supervisor.close(0);
  assert.deepEqual(time.pending(), []);
});

const cron = (task: string) => ({ task, trigger: "cron" as const, conversation: task });

test("drop: a trigger above the cap is forgotten with a warning, and messages pass", async () => {
  const { supervisor, turns, ensure, notices, inbox } = rig();
  ensure("a", 1, { maxConcurrentSessions: 2 });
  for (const task of ["1", "2"]) await supervisor.tell(a, cron(task));
  await turns.at(1);
  const told = await supervisor.tell(a, cron("3"));
  assert.equal(told.dropped, "overflow");
  assert.match(notices[0] ?? "", /TriggerDropped: .*cron.*2 sessions/);
  await supervisor.tell(a, { task: "message", conversation: "3" });
  (await turns.at(2)).answer();
  assert.equal(await inbox.count("uid-a"), 3);
  for (const at of [0, 1]) (await turns.at(at)).answer();
});

test("coalesce: of triggers that wait in a lane only the newest has a turn, when a session has ended", async () => {
  const { supervisor, turns, ensure, inbox } = rig();
  ensure("a", 1, { maxConcurrentSessions: 1, overflow: "coalesce" });
  await supervisor.tell(a, { task: "message" });
  const message = await turns.at(0);
  const watcher = (task: string) => supervisor.tell(a, { task, trigger: "watcher" });
  const first = await watcher("1");
  await watcher("2");
  await watcher("3");
  await quiet();
  assert.equal(turns.begun.length, 1);
  assert.match(JSON.stringify((await inbox.outcome(first.message))?.result), /LEG2079/);
  message.answer();
  const last = await turns.at(1);
  assert.deepEqual([last.task, last.conversation], ["3", "watcher"]);
  last.answer();
  await until(supervisor, () => supervisor.state(a)?.turns === 2);
  await quiet();
  assert.deepEqual([supervisor.state(a)?.queued, await inbox.count("uid-a")], [0, 0]);
});

test("queue(n): n triggers wait, and never more sessions run than may", async () => {
  const { supervisor, turns, ensure } = rig();
  ensure("a", 1, { maxConcurrentSessions: 1, overflow: "queue(2)" });
  const told = [];
  for (const task of ["1", "2", "3", "4"]) {
    told.push(await supervisor.tell(a, cron(task)));
    await quiet();
  }
  assert.deepEqual(
    told.map(({ dropped }) => dropped),
    [undefined, undefined, undefined, "overflow"],
  );
  for (const at of [0, 1, 2]) {
    const turn = await turns.at(at);
    await quiet();
    assert.equal(turns.begun.length, at + 1, "one session at a time");
    turn.answer();
  }
  assert.deepEqual(
    turns.begun.map(({ task }) => task),
    ["1", "2", "3"],
  );
});

for (const overflow of ["drop", "coalesce", "queue(1)"])
  test(`${overflow}: a trigger that comes again under its key is the one that was kept, whatever the cap`, async () => {
    const { supervisor, turns, ensure } = rig();
    ensure("a", 1, { maxConcurrentSessions: 1, overflow });
    const wake = (dedupeKey: string) =>
      supervisor.tell(a, { task: dedupeKey, trigger: "watcher", dedupeKey });
    const first = await wake("1");
    const running = await turns.at(0);
    const again = await wake("1");
    assert.deepEqual(
      [again.message, again.isDuplicate, again.dropped],
      [first.message, true, undefined],
    );
    const second = await wake("2");
    if (overflow === "drop") assert.equal(second.dropped, "overflow");
    else {
      const repeated = await wake("2");
      assert.deepEqual([repeated.message, repeated.isDuplicate], [second.message, true]);
    }
    running.answer();
    if (overflow !== "drop") (await turns.at(1)).answer();
  });
