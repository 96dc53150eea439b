// Goal: whatever happens to an agent, no message that was taken is lost, none is answered twice, and each sender's come in order (R01, R10, R12).
// Method: random sequences of messages, pauses, ends and deaths of the process, failures and time, over the real inbox in memory; then the agent is left in peace.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import type { ManifestObject } from "../../manifest/objects.ts";
import { type Inbox, MESSAGE_ATTEMPTS_MAX } from "../../state/inbox.ts";
import { openMemoryInbox } from "../../state/inbox-memory.ts";
import { manualTime } from "../../testing/manual-timers.ts";
import { quiet, supervisedState } from "../../testing/supervised.ts";
import { agentObject, cancelOf, echo, generationOf } from "../../testing/turns.ts";
import type { RunGeneration, Supervisor } from "../supervision.ts";
import { createSupervisor } from "./supervisor.ts";

const key = { kind: "Agent", namespace: "default", name: "a" };
const why = { reason: "a test", actor: "me" };
const REDELIVERY_MS = 60_000;

let object: ManifestObject<"Agent">;
before(async () => {
  object = await agentObject();
});

type Step =
  | { readonly type: "put"; readonly from: string; readonly lane: string; readonly copies: number }
  | { readonly type: "fail"; readonly times: number }
  | { readonly type: "pause" | "resume" | "stop" | "crash" | "close" | "breathe" | "wait" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("put" as const),
      from: fc.constantFrom("ann", "bob"),
      lane: fc.constantFrom("main", "side"),
      copies: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("fail" as const),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc
      .constantFrom("pause", "resume", "stop", "crash", "close", "breathe", "wait")
      .map((type) => ({ type }) as Step),
  },
);

/** An agent whose process can end and die, and what it has done. */
function simulation() {
  const time = manualTime();
  const real = openMemoryInbox(time);
  const effects: string[] = [];
  /** Turns that fail before one succeeds again. */
  let failures = 0;
  let processes = 0;
  const running = new Set<string>();
  const runGeneration: RunGeneration = async (turn) => {
    const { task, conversation, signal } = turn;
    const mine = processes;
    const lane = `${mine} ${conversation}`;
    assert.ok(!running.has(lane), "one turn of a conversation at a time");
    running.add(lane);
    await quiet();
    running.delete(lane);
    if (mine !== processes) return dead();
    if (signal.aborted) {
      return { ...cancelOf(turn, "interrupted"), error: signal.reason.toJSON() };
    }
    if (failures > 0) {
      failures -= 1;
      return cancelOf(turn, "provider_failed");
    }
    effects.push(task);
    return echo()(turn);
  };
  const state = supervisedState({
    inbox: mortal(real, () => true),
    clock: time.clock,
    runGeneration,
  });
  let supervisor = begin();

  /** A process of its own: what one that died still writes reaches nothing. */
  function begin(): Supervisor {
    processes += 1;
    const mine = processes;
    const inbox = mortal(real, () => mine === processes);
    const { runGeneration: kept } = supervisedState({
      ...{ inbox, clock: time.clock },
      runGeneration: (turn) => (mine === processes ? runGeneration(turn) : dead()),
    });
    const made = createSupervisor({ ...state, ...time, inbox, runGeneration: kept });
    made.ensure(generationOf(object));
    return made;
  }
  return {
    ...{ effects, inbox: real, time },
    supervisor: () => supervisor,
    fail: (times: number) => {
      failures = times;
    },
    crash: () => {
      supervisor = begin();
    },
    async close() {
      const closed = supervisor.close(0);
      await quiet();
      time.advance(1);
      await closed;
      supervisor = begin();
    },
  };
}

const dead = () => new Promise<never>(() => {});

/** An inbox that is there for as long as its process lives. */
function mortal(inbox: Inbox, isAlive: () => boolean): Inbox {
  return new Proxy(inbox, {
    get: (target, name: keyof Inbox) => {
      const method = target[name] as (...values: unknown[]) => Promise<unknown>;
      return (...values: unknown[]) => (isAlive() ? method(...values) : dead());
    },
  });
}

async function simulate(steps: readonly Step[]): Promise<void> {
  const world = simulation();
  const { effects, inbox, time } = world;
  const accepted: { readonly task: string; readonly sender: string }[] = [];
  let crashes = 0;
  for (const [at, each] of steps.entries()) {
    await act(each, at);
  }
  await world
    .supervisor()
    .move(key, "running", why)
    .catch(() => {});
  world.fail(0);
  for (let periods = 0; (await inbox.count("uid-a")) > 0 && periods < 40; periods += 1) {
    for (let turns = 0; turns < 10; turns += 1) await quiet();
    time.advance(REDELIVERY_MS);
  }
  const letters = (await inbox.dead("uid-a")).map(({ task }) => task);
  assert.equal(await inbox.count("uid-a"), 0, "nothing waits for ever");
  assert.ok(letters.length === 0 || crashes >= MESSAGE_ATTEMPTS_MAX, "no letter died in peace");
  for (const { task } of accepted) {
    const times = effects.filter((effect) => effect === task).length;
    assert.equal(times, letters.includes(task) ? 0 : 1, `${task} had ${times} effects`);
  }
  for (const sender of new Set(accepted.map((each) => each.sender))) {
    const told = accepted.flatMap((each) => (each.sender === sender ? each.task : []));
    const seen = effects.filter((effect) => told.includes(effect));
    assert.deepEqual(
      seen,
      told.filter((task) => !letters.includes(task)),
      `the order of ${sender}`,
    );
  }
  await world.supervisor().close(0);

  async function act(each: Step, at: number): Promise<void> {
    const supervisor = world.supervisor();
    if (each.type === "put") {
      const { from, lane, copies } = each;
      const incoming = { task: `${at}`, from, conversation: lane, dedupeKey: `${at}` };
      for (let copy = 0; copy < copies; copy += 1) {
        const told = await supervisor.tell(key, incoming).catch(() => undefined);
        if (told !== undefined && copy === 0) {
          accepted.push({ task: `${at}`, sender: `${from} ${lane}` });
        }
      }
    }
    if (each.type === "pause") await supervisor.move(key, "paused", why).catch(() => {});
    if (each.type === "resume") await supervisor.move(key, "running", why).catch(() => {});
    if (each.type === "stop") await supervisor.move(key, "stopped", why).catch(() => {});
    if (each.type === "fail") world.fail(each.times);
    if (each.type === "breathe") await quiet();
    if (each.type === "wait") time.advance(REDELIVERY_MS);
    if (each.type === "close") await world.close();
    if (each.type !== "crash") return;
    world.crash();
    crashes += 1;
  }
}

test("never lost, never twice, in the order of each sender", async () => {
  const steps = fc.array(step, { maxLength: 40, size: "max" });
  await fc.assert(fc.asyncProperty(steps, simulate), { numRuns: 150 });
});
