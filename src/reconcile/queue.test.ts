// Goal: work on a key never overlaps, what changed last is always seen, and failures wait longer and longer without holding up others.
// Method: a queue on hand-driven time, random interleavings of changes, failures and ends.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { manualTime } from "../testing/manual-timers.ts";
import { BACKOFF_FIRST_MS, BACKOFF_MAX_MS, backoffMs } from "./delays.ts";
import { createQueue, type QueueOptions, type WorkOutcome, type WorkQueue } from "./queue.ts";

const done: WorkOutcome = { type: "done" };

/** A queue on its own time, and how often each key was worked on. */
function opened(work: QueueOptions["work"], more: Partial<QueueOptions> = {}) {
  const time = manualTime();
  const worked = new Map<string, number>();
  const errors: unknown[] = [];
  const queue = createQueue({
    ...time,
    random: () => 0.5,
    onError: (error) => errors.push(error),
    work: (key) => {
      worked.set(key, (worked.get(key) ?? 0) + 1);
      return work(key);
    },
    ...more,
  });
  return { queue, time, worked, errors };
}

async function untilIdle(queue: WorkQueue): Promise<void> {
  while (!queue.isIdle) await turn();
}

test("a key that is added many times is worked on once", async () => {
  const { queue, worked } = opened(async () => done);
  for (let times = 0; times < 100; times += 1) queue.add("a");
  queue.add("b");
  assert.equal(queue.isBusy("a"), true);
  await untilIdle(queue);
  assert.deepEqual(
    [...worked],
    [
      ["a", 1],
      ["b", 1],
    ],
  );
  assert.equal(queue.isBusy("a"), false);
});

test("a key that is added while it is worked on runs once more afterwards", async () => {
  const gate = Promise.withResolvers<WorkOutcome>();
  let running = 0;
  const { queue, worked } = opened(async () => {
    running += 1;
    assert.equal(running, 1);
    const outcome = await gate.promise;
    running -= 1;
    return outcome;
  });
  queue.add("a");
  await turn();
  for (let times = 0; times < 10; times += 1) queue.add("a");
  await turn();
  assert.deepEqual([...worked], [["a", 1]]);
  gate.resolve(done);
  await untilIdle(queue);
  assert.deepEqual([...worked], [["a", 2]]);
});

test("only so many keys are worked on at once", async () => {
  let running = 0;
  let most = 0;
  const { queue, worked } = opened(
    async () => {
      running += 1;
      most = Math.max(most, running);
      await turn();
      running -= 1;
      return done;
    },
    { concurrency: 3 },
  );
  for (let key = 0; key < 50; key += 1) queue.add(`${key}`);
  await untilIdle(queue);
  assert.equal(worked.size, 50);
  assert.equal(most, 3);
});

test("failures wait 1 s doubling to 5 min, and a success or forgetting begins anew", async () => {
  let outcome: WorkOutcome = { type: "retry" };
  const { queue, time } = opened(async () => outcome);
  const pauses: number[] = [];
  queue.add("a");
  for (let times = 0; times < 11; times += 1) {
    await untilIdle(queue);
    const [pause = 0] = time.pending();
    pauses.push(Math.round(pause / 1_000));
    time.advance(pause);
  }
  assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  await untilIdle(queue);
  queue.forget("a");
  queue.add("a");
  await untilIdle(queue);
  assert.deepEqual(time.pending(), [1_000]);
  outcome = done;
  time.advance(1_000);
  await untilIdle(queue);
  assert.deepEqual(time.pending(), []);
  outcome = { type: "retry" };
  queue.add("a");
  await untilIdle(queue);
  assert.deepEqual(time.pending(), [1_000]);
});

test("the jitter stays within a fifth, and no pause is longer than that of the limit", () => {
  const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2_000 }), randoms, (failures, random) => {
      const pause = backoffMs(failures, () => random);
      const base = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (failures - 1));
      assert.ok(pause >= base * 0.8 && pause <= base * 1.2);
    }),
  );
});

test("of several moments the earliest counts, and being added at once takes their place", async () => {
  const { queue, time, worked } = opened(async () => done);
  queue.addAfter("a", 1_000);
  time.advance(900);
  queue.addAfter("a", 500);
  assert.deepEqual(time.pending(), [100]);
  time.advance(100);
  await untilIdle(queue);
  assert.equal(worked.get("a"), 1);
  queue.addAfter("a", 1_000);
  queue.add("a");
  await untilIdle(queue);
  assert.deepEqual([worked.get("a"), time.pending()], [2, []]);
});

test("work that throws is told, and retried like any failure", async () => {
  const { queue, time, errors } = opened(async () => {
    throw new Error("boom");
  });
  queue.add("a");
  await untilIdle(queue);
  assert.match(String(errors[0]), /boom/);
  assert.deepEqual(time.pending(), [1_000]);
});

test("closing waits for what runs, and begins nothing any more", async () => {
  const gate = Promise.withResolvers<WorkOutcome>();
  const { queue, time, worked } = opened(() => gate.promise, { concurrency: 1 });
  queue.add("a");
  queue.add("b");
  queue.addAfter("c", 10);
  await turn();
  let isClosed = false;
  const closing = queue.close().then(() => {
    isClosed = true;
  });
  await turn();
  assert.equal(isClosed, false);
  gate.resolve({ type: "retry" });
  await closing;
  queue.add("d");
  time.advance(1_000_000);
  await turn();
  assert.deepEqual([...worked.keys()], ["a"]);
  assert.deepEqual(time.pending(), []);
});

test("never is a key worked on twice at once, and always is its last change seen, in whatever order things happen", async () => {
  const names = ["a", "b", "c"];
  const step = fc.oneof(
    fc.record({ act: fc.constant("change"), key: fc.constantFrom(...names) }),
    fc.record({ act: fc.constant("later"), key: fc.constantFrom(...names) }),
    fc.record({ act: fc.constantFrom("end", "fail", "throw"), key: fc.constantFrom(...names) }),
    fc.record({ act: fc.constantFrom("turn", "second", "hour"), key: fc.constant("") }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const wanted = new Map<string, number>();
      const seen = new Map<string, number>();
      const running = new Map<string, PromiseWithResolvers<WorkOutcome>>();
      let overlaps = 0;
      const { queue, time } = opened(
        async (key) => {
          if (running.has(key)) overlaps += 1;
          const gate = Promise.withResolvers<WorkOutcome>();
          running.set(key, gate);
          const read = wanted.get(key) ?? 0;
          try {
            const outcome = await gate.promise;
            if (outcome.type === "done") seen.set(key, read);
            return outcome;
          } finally {
            running.delete(key);
          }
        },
        { concurrency: 2 },
      );
      for (const { act, key } of steps) {
        if (act === "change" || act === "later") wanted.set(key, (wanted.get(key) ?? 0) + 1);
        if (act === "change") queue.add(key);
        if (act === "later") queue.addAfter(key, 700);
        if (act === "end") running.get(key)?.resolve(done);
        if (act === "fail") running.get(key)?.resolve({ type: "retry" });
        if (act === "throw") running.get(key)?.reject(new Error("boom"));
        if (act === "second") time.advance(1_000);
        if (act === "hour") time.advance(3_600_000);
        await turn();
      }
      while (!queue.isIdle || time.pending().length > 0) {
        for (const gate of running.values()) gate.resolve(done);
        time.advance(BACKOFF_MAX_MS * 2);
        await turn();
      }
      assert.equal(overlaps, 0);
      assert.deepEqual([...seen].sort(), [...wanted].sort());
    }),
    { numRuns: 200 },
  );
});
