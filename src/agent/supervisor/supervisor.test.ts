// Goal: every agent has one loop: messages one after the other in one conversation, each turn under the generation it began with, no message lost.
// Method: the supervisor over real inboxes, with turns that the test ends itself and time that it lets pass.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { LegionError } from "../../lib/errors.ts";
import type { ManifestObject } from "../../manifest/objects.ts";
import { systemTimers } from "../../manifest/watch/timers.ts";
import { type Inbox, MESSAGE_ATTEMPTS_MAX, MESSAGES_PER_AGENT_MAX } from "../../state/inbox.ts";
import { openMemoryInbox } from "../../state/inbox-memory.ts";
import type { ResourceKey } from "../../state/resource.ts";
import { manualTime } from "../../testing/manual-timers.ts";
import { quiet, supervisorRig, until } from "../../testing/supervised.ts";
import { agentObject, echo, generationOf } from "../../testing/turns.ts";
import { createSession } from "../session.ts";
import type { RunGeneration } from "../supervision.ts";
import { dropOrphans } from "./orphans.ts";
import type { SupervisorOptions } from "./supervisor.ts";

const GRACE_MS = 30_000;
const drainedWell = { isCancelled: false, dropped: 0 };
/** 1,000 loops start sooner than this. */
const START_MS = 500;

let object: ManifestObject<"Agent">;
before(async () => {
  object = await agentObject();
});

const keyOf = (name: string): ResourceKey => ({ kind: "Agent", namespace: "default", name });
const a = keyOf("a");
const never = new AbortController().signal;

const rig = (options: Partial<SupervisorOptions> = {}) => supervisorRig(object, options);

test("messages are answered one after the other, in the order in which they came, in one conversation", async () => {
  const { supervisor, turns, ensure } = rig();
  assert.deepEqual(ensure(), {
    ...{ uid: "uid-a", phase: "idle", generation: 1, queued: 0, turns: 0 },
    lifecycle: { state: "running", reason: "", actor: "" },
    lanes: [{ conversation: "main", queued: 0, turns: 0 }],
  });
  const asked = supervisor.ask(a, { task: "one" }, never);
  const first = await turns.at(0);
  assert.equal(supervisor.state(a)?.phase, "busy");
  assert.equal((await supervisor.tell(a, { task: "two" })).queued, 1);
  assert.equal((await supervisor.tell(a, { task: "three", from: "me" })).queued, 2);
  await quiet();
  assert.equal(turns.begun.length, 1, "one turn at a time");
  first.answer("1");
  const outcome = await asked;
  assert.deepEqual([outcome.generation, outcome.result.status], [1, "ok"]);
  (await turns.at(1)).answer();
  (await turns.at(2)).answer();
  await until(supervisor, () => supervisor.state(a)?.turns === 3);
  assert.deepEqual(
    turns.begun.map(({ task }) => task),
    ["one", "two", "three"],
  );
  assert.ok(turns.begun.every(({ session }) => session === first.session));
  assert.deepEqual([supervisor.state(a)?.phase, supervisor.state(a)?.queued], ["idle", 0]);
});

test("two who ask get each their own outcome, and it is on record", async () => {
  const { supervisor, turns, ensure, inbox } = rig();
  ensure();
  const asked = ["one", "two"].map((task) => supervisor.ask(a, { task }, never));
  for (const index of [0, 1]) (await turns.at(index)).answer();
  const outcomes = await Promise.all(asked);
  assert.deepEqual(
    outcomes.map(({ result }) => result.status === "ok" && result.value),
    ["one", "two"],
  );
  const [first] = outcomes;
  assert.deepEqual((await inbox.outcome(first?.message ?? ""))?.result, first?.result);
});

test("whoever stops waiting does not stop the turn", async () => {
  const { supervisor, turns, ensure, inbox } = rig();
  ensure();
  const stop = new AbortController();
  const asked = supervisor.ask(a, { task: "one" }, stop.signal);
  const turn = await turns.at(0);
  const message = supervisor.state(a)?.turn?.message ?? "";
  stop.abort(new Error("enough"));
  await assert.rejects(asked, /enough/);
  assert.equal(turn.signal.aborted, false);
  turn.answer();
  await until(supervisor, () => supervisor.state(a)?.turns === 1);
  assert.equal((await inbox.outcome(message))?.attempts, 1);
  await assert.rejects(supervisor.ask(a, { task: "two" }, stop.signal), /enough/);
  assert.equal(await inbox.count("uid-a"), 0, "nothing is kept for one who does not wait");
});

test("a turn keeps its generation to its end, and the next one has the new one in the same conversation", async () => {
  const { supervisor, turns, ensure } = rig();
  ensure();
  const asked = ["one", "two"].map((task) => supervisor.ask(a, { task }, never));
  const first = await turns.at(0);
  const { turn, generation, queued } = ensure("a", 2);
  assert.deepEqual([turn?.generation, generation, queued], [1, 2, 1]);
  assert.equal(first.agent.generation, 1);
  first.answer();
  const second = await turns.at(1);
  assert.equal(second.agent.generation, 2);
  assert.equal(second.session, first.session);
  second.answer();
  const outcomes = await Promise.all(asked);
  assert.deepEqual(
    outcomes.map((outcome) => outcome.generation),
    [1, 2],
  );
});

test("doing it again changes nothing and tells nobody; another uid is refused", async () => {
  const { supervisor, ensure } = rig();
  const told: ResourceKey[] = [];
  const stop = supervisor.onChange((key) => told.push(key));
  const state = ensure();
  assert.equal(told.length, 1);
  assert.deepEqual(ensure(), state);
  assert.equal(told.length, 1);
  assert.throws(
    () => supervisor.ensure({ ...generationOf(object), uid: "other" }),
    /drained first/,
  );
  stop();
  ensure("a", 2);
  assert.equal(told.length, 1, "whoever stopped listening hears no more");
  assert.deepEqual(
    supervisor.states().map(({ key }) => key),
    [a],
  );
});

test("messages for agents without a loop, or above the limit, are refused with the next step", async () => {
  const { supervisor, turns, ensure, inbox } = rig();
  await assert.rejects(supervisor.tell(a, { task: "x" }), { code: "LEG2030" });
  await assert.rejects(supervisor.ask(a, { task: "x" }, never), { code: "LEG2030" });
  await assert.rejects(supervisor.restart(a), { code: "LEG2030" });
  assert.deepEqual(await supervisor.drain(a, GRACE_MS), drainedWell);
  ensure();
  for (let at = 0; at < MESSAGES_PER_AGENT_MAX; at += 1) await supervisor.tell(a, { task: "x" });
  await assert.rejects(supervisor.tell(a, { task: "x" }), { code: "LEG2032" });
  assert.equal(await inbox.count("uid-a"), MESSAGES_PER_AGENT_MAX);
  (await turns.at(0)).answer();
});

test("a bug in a turn is an outcome, and the loop goes on", async () => {
  const { supervisor, turns, ensure, errors, time } = rig();
  ensure();
  const asked = ["one", "two"].map((task) => supervisor.ask(a, { task }, never));
  (await turns.at(0)).reject(new TypeError("no such thing"));
  await asked[0];
  await quiet();
  assert.equal(turns.begun.length, 1, "after a fault the agent waits");
  time.advance(10_000);
  (await turns.at(1)).answer();
  const [first, second] = await Promise.all(asked);
  assert.ok(first?.result.status === "cancel");
  assert.deepEqual([first.result.reason, first.result.error.code], ["terminated", "LEG9001"]);
  assert.equal(second?.result.status, "ok");
  assert.match(String(errors[0]), /no such thing/);
});

test("a listener that fails, and a turn that fails at once, are told and stop nothing", async () => {
  const { supervisor, ensure, errors } = rig({
    runGeneration: () => {
      throw new Error("at once");
    },
  });
  supervisor.onChange(() => {
    throw new Error("deaf");
  });
  ensure();
  const { result } = await supervisor.ask(a, { task: "one" }, never);
  assert.equal(result.status === "cancel" && result.error.code, "LEG9001");
  assert.ok(errors.some((error) => /deaf/.test(String(error))));
});

test("a turn knows its message, and that the process died while it was answered before", async () => {
  const inbox = openMemoryInbox(manualTime());
  await inbox.put({ id: "left", uid: "uid-a", task: "one" });
  await inbox.begin("left");
  const { supervisor, turns, ensure } = rig({ inbox });
  ensure();
  const first = await turns.at(0);
  assert.deepEqual([first.message, first.attempt], ["left", 2]);
  first.answer();
  const { message } = await supervisor.tell(a, { task: "two" });
  const second = await turns.at(1);
  assert.deepEqual([second.message, second.attempt], [message, 1]);
  second.answer();
});

test("a restart begins a new conversation after the turn, and messages that wait stay", async () => {
  const { supervisor, turns, ensure } = rig();
  ensure();
  for (const task of ["one", "two", "three"]) await supervisor.tell(a, { task });
  const first = await turns.at(0);
  const restarted = supervisor.restart(a);
  assert.equal(supervisor.state(a)?.queued, 2);
  first.answer();
  await restarted;
  const second = await turns.at(1);
  assert.deepEqual([second.task, second.session !== first.session], ["two", true]);
  second.answer();
  const third = await turns.at(2);
  assert.equal(third.session, second.session);
  third.answer();
  await until(supervisor, () => supervisor.state(a)?.turns === 3);
  await supervisor.restart(a);
  await supervisor.tell(a, { task: "four" });
  const fourth = await turns.at(3);
  assert.notEqual(fourth.session, third.session, "an idle one begins anew at once");
});

test("R45: closing lets turns end, cancels the rest, and keeps what has no answer for the next start", async () => {
  const inbox = openMemoryInbox(manualTime());
  const { supervisor, turns, ensure, time } = rig({ inbox });
  for (const name of ["a", "b"]) ensure(name);
  const quick = supervisor.ask(a, { task: "quick" }, never);
  const slow = supervisor.ask(keyOf("b"), { task: "slow" }, never);
  const waits = supervisor.ask(keyOf("b"), { task: "waits" }, never);
  const [quickTurn, slowTurn] = [await turns.at(0), await turns.at(1)];
  const refused = [slow, waits].map((asked) => assert.rejects(asked, { code: "LEG2033" }));
  const closed = supervisor.close(GRACE_MS);
  await assert.rejects(supervisor.tell(a, { task: "late" }), { code: "LEG2033" });
  quickTurn.answer();
  assert.equal((await quick).result.status, "ok");
  assert.equal(slowTurn.signal.aborted, false);
  await quiet();
  time.advance(GRACE_MS);
  await quiet();
  slowTurn.interrupt();
  await closed;
  await Promise.all(refused);
  assert.deepEqual([...(await inbox.counts())], [["uid-b", 2]]);
  assert.equal(
    (await inbox.next("uid-b", "main", 0))?.attempts,
    0,
    "an end in good order is no attempt",
  );
  assert.deepEqual(time.pending(), []);

  const next = rig({ inbox });
  next.ensure("b");
  const again = await next.turns.at(0);
  assert.equal(again.task, "slow");
  again.answer();
  assert.equal((await next.turns.at(1)).task, "waits");
});

test("R11: a message that ended its process too often is a dead letter with its cause, and the next one has its turn", async () => {
  const inbox = openMemoryInbox(manualTime());
  await inbox.put({ id: "deadly", uid: "uid-a", task: "crash" });
  for (let at = 0; at < MESSAGE_ATTEMPTS_MAX; at += 1) await inbox.begin("deadly");
  const { supervisor, turns, ensure, notices } = rig({ inbox });
  ensure();
  const asked = supervisor.ask(a, { task: "harmless" }, never);
  (await turns.at(0)).answer();
  assert.equal((await asked).result.status, "ok");
  assert.equal(turns.begun[0]?.task, "harmless");
  const [letter, ...more] = await supervisor.dead(a);
  assert.deepEqual([letter?.id, letter?.attempts, more], ["deadly", MESSAGE_ATTEMPTS_MAX, []]);
  assert.match(letter?.cause ?? "", /the process ended 5 times/);
  assert.match(notices.join(), /DeadLetter: The message deadly is a dead letter/);
});

test("messages of agents that are gone are answered at the start", async () => {
  const inbox = openMemoryInbox(manualTime());
  for (const [id, uid] of [
    ["1", "gone"],
    ["2", "gone"],
    ["3", "here"],
  ] as const)
    await inbox.put({ id, uid, task: "x" });
  assert.equal(await dropOrphans(inbox, (uid) => uid === "here"), 2);
  assert.deepEqual([...(await inbox.counts())], [["here", 1]]);
  assert.match(JSON.stringify((await inbox.outcome("2"))?.result), /LEG2031/);
});

test("an inbox that cannot be written makes the agent wait, not lose", async () => {
  const real = openMemoryInbox(manualTime());
  let isFull = false;
  const checked = <T>(work: () => Promise<T>) =>
    isFull
      ? Promise.reject(new LegionError({ code: "LEG6003", message: "full", hint: "" }))
      : work();
  const inbox: Inbox = { ...real, finish: (id, answer) => checked(() => real.finish(id, answer)) };
  const { supervisor, turns, ensure, time, errors } = rig({ inbox });
  ensure();
  const asked = supervisor.ask(a, { task: "one" }, never);
  isFull = true;
  (await turns.at(0)).answer();
  await quiet();
  time.advance(1_000);
  (await turns.at(1)).answer();
  await quiet();
  assert.equal(errors.length, 2);
  isFull = false;
  time.advance(2_000);
  (await turns.at(2)).answer();
  assert.equal((await asked).result.status, "ok");
  const [run, ...others] = new Set(turns.begun.map(({ key }) => key));
  assert.deepEqual([run, others], [turns.begun[0]?.key, []], "it is one run that goes on");
  assert.equal(await real.count("uid-a"), 0);
});

test("R33: whoever lost the folder begins nothing more", async () => {
  const real = openMemoryInbox(manualTime());
  const lost = () => Promise.reject(new LegionError({ code: "LEG6022", message: "", hint: "" }));
  const { supervisor, turns, ensure, errors, time } = rig({ inbox: { ...real, begin: lost } });
  ensure();
  const asked = supervisor.ask(a, { task: "one" }, never);
  const refused = assert.rejects(asked, { code: "LEG2033" });
  await quiet();
  assert.equal(errors.length, 1);
  assert.equal(turns.begun.length, 0);
  await assert.rejects(supervisor.tell(a, { task: "x" }), { code: "LEG2033" });
  await supervisor.close(0);
  await refused;
  assert.deepEqual(time.pending(), []);
});

test("1,000 idle loops start at once and hold neither timers nor sessions", async () => {
  let sessions = 0;
  const sessionOf = async () => {
    sessions += 1;
    return createSession();
  };
  const { supervisor, ensure, time } = rig({ sessionOf });
  const beginMs = performance.now();
  for (let at = 0; at < 1_000; at += 1) ensure(`a${at}`);
  await quiet();
  assert.ok(performance.now() - beginMs < START_MS);
  assert.equal(supervisor.states().length, 1_000);
  assert.deepEqual([sessions, time.pending().length], [0, 0]);
});

test("the sandbox of an agent that waits is given back, once, and not while a turn runs", async () => {
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
  const { supervisor, turns, ensure, time } = rig({ sessionOf });
  ensure();
  await supervisor.tell(a, { task: "one" });
  (await turns.at(0)).answer();
  await until(supervisor, () => supervisor.state(a)?.turns === 1);
  await quiet();
  assert.deepEqual(time.pending(), [60_000]);
  await supervisor.tell(a, { task: "two" });
  const second = await turns.at(1);
  assert.deepEqual(time.pending(), []);
  second.answer();
  await until(supervisor, () => supervisor.state(a)?.turns === 2);
  await quiet();
  time.advance(60_000);
  await quiet();
  assert.deepEqual([closes, opened, time.pending()], [1, 1, [600_000]]);
  time.advance(600_000);
  await quiet();
  assert.deepEqual(
    time.pending(),
    [],
    "the messages go later, and are read again when they are needed",
  );
  await supervisor.tell(a, { task: "three" });
  (await turns.at(2)).answer();
  assert.equal(opened, 2);
});

test("R48: at most so many turns run at once, and an agent with many messages does not starve others", async () => {
  const { supervisor, turns, ensure } = rig({ maxTurns: 2 });
  for (const name of ["a", "b", "c"]) ensure(name);
  for (let at = 0; at < 20; at += 1) await supervisor.tell(a, { task: `a${at}` });
  for (const name of ["b", "c"]) {
    for (const at of [0, 1]) await supervisor.tell(keyOf(name), { task: `${name}${at}` });
  }
  for (let at = 0; at < 6; at += 1) {
    const turn = await turns.at(at);
    await quiet();
    assert.ok(turns.begun.length <= at + 2, "two at once");
    turn.answer();
  }
  const order = turns.begun.slice(0, 6).map(({ task }) => task);
  assert.deepEqual(order, ["a0", "b0", "c0", "a1", "b1", "c1"]);
});

test("whatever is told, edited and restarted in between, every message is answered once and in order", async () => {
  const actions = fc.constantFrom("tell", "edit", "restart", "breathe");
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(actions, fc.constantFrom("a", "b")), { maxLength: 40 }),
      async (steps) => {
        const seen: Record<string, string[]> = { a: [], b: [] };
        const running = new Set<string>();
        const run: RunGeneration = echo(async ({ agent, task }) => {
          const { name } = agent.object;
          assert.ok(!running.has(name), "one turn of an agent at a time");
          running.add(name);
          await quiet();
          running.delete(name);
          seen[name]?.push(task);
        });
        const { supervisor, ensure, errors, inbox } = rig({ runGeneration: run, maxTurns: 1 });
        const told: Record<string, string[]> = { a: [], b: [] };
        for (const name of ["a", "b"]) ensure(name);
        const pending: Promise<unknown>[] = [];
        for (const [at, [action, name]] of steps.entries()) {
          if (action === "edit") ensure(name, at + 2);
          if (action === "restart") pending.push(supervisor.restart(keyOf(name)));
          if (action === "breathe") await quiet();
          if (action !== "tell") continue;
          told[name]?.push(`${at}`);
          pending.push(supervisor.ask(keyOf(name), { task: `${at}` }, never));
        }
        await Promise.all(pending);
        assert.deepEqual(seen, told);
        assert.deepEqual([[...(await inbox.counts())], errors], [[], []]);
        await supervisor.close(0);
      },
    ),
    { numRuns: 60 },
  );
});

test("however often the process ends in good order, every message that was taken is answered once and in order", async () => {
  const actions = fc.constantFrom("tell", "tell", "breathe", "end");
  await fc.assert(
    fc.asyncProperty(fc.array(actions, { maxLength: 30 }), async (steps) => {
      const inbox = openMemoryInbox(manualTime());
      const answered: string[] = [];
      const runGeneration: RunGeneration = async (turn) => {
        const result = await echo(quiet)(turn);
        if (!turn.signal.aborted) {
          answered.push(turn.task);
          return result;
        }
        const error = turn.signal.reason.toJSON();
        return { ...result, status: "cancel", reason: "interrupted", error };
      };
      const begin = () => {
        const { supervisor, ensure } = rig({ inbox, runGeneration, timers: systemTimers });
        ensure();
        return supervisor;
      };
      let supervisor = begin();
      const told: string[] = [];
      for (const [at, step] of steps.entries()) {
        if (step === "tell") {
          await supervisor.tell(a, { task: `${at}` });
          told.push(`${at}`);
        }
        if (step === "breathe") await quiet();
        if (step !== "end") continue;
        await supervisor.close(0);
        supervisor = begin();
      }
      while ((await inbox.count("uid-a")) > 0) await quiet();
      assert.deepEqual(answered, told);
      await supervisor.close(0);
    }),
    { numRuns: 40 },
  );
});
