// Goal: several results are put together in the order of their list, the first cancel stops the rest, and steps hand on what they got.
// Method: thunks that the test settles by hand, tables of steps, and a property over random orders of ends.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Cancelled, isCancel, runParallel, runPipeline, taskAfter } from "./combine.ts";

const cancel = (reason: string, code = "LEG2020"): Cancelled => ({
  status: "cancel",
  reason,
  error: { code, message: "it did not work", hint: "try again" },
});
const stopped = cancel("interrupted", "LEG2093");

/** Thunks whose ends the test decides; stopping ends those that run as stopped. */
function thunks(count: number) {
  const begun: number[] = [];
  const ends = Array.from({ length: count }, () => Promise.withResolvers<unknown>());
  const stops: number[] = [];
  return {
    begun,
    stops,
    end: (index: number, value: unknown) => ends[index]?.resolve(value),
    fail: (index: number, error: Error) => ends[index]?.reject(error),
    list: ends.map(({ promise }, index) => () => {
      begun.push(index);
      return promise;
    }),
    stop: async () => {
      stops.push(begun.length);
      for (const { resolve } of ends) resolve(stopped);
    },
  };
}

const turns = async () => {
  for (let count = 0; count < 20; count += 1) await Promise.resolve();
};

test("the results come in the order of the list, whatever ends first", async () => {
  const { list, end, stop, stops } = thunks(3);
  const all = runParallel(list, { concurrency: 3, stop });
  end(2, "c");
  end(0, "a");
  await turns();
  end(1, "b");
  assert.deepEqual(await all, ["a", "b", "c"]);
  assert.deepEqual(stops, []);
});

test("nothing to do is an empty list", async () => {
  assert.deepEqual(await runParallel([], { concurrency: 1, stop: async () => {} }), []);
});

test("no more run at once than may, and the next one begins when one ends", async () => {
  const { list, end, begun, stop } = thunks(4);
  const all = runParallel(list, { concurrency: 2, stop });
  await turns();
  assert.deepEqual(begun, [0, 1]);
  end(1, "b");
  await turns();
  assert.deepEqual(begun, [0, 1, 2]);
  for (const index of [0, 2, 3]) end(index, "x");
  assert.deepEqual(await all, ["x", "b", "x", "x"]);
});

test("a cancel stops the others at once, begins no more, and is the result", async () => {
  const { list, end, begun, stop, stops } = thunks(5);
  const all = runParallel(list, { concurrency: 3, stop });
  await turns();
  end(2, cancel("timeout"));
  assert.deepEqual(await all, cancel("timeout"));
  assert.deepEqual([begun, stops], [[0, 1, 2], [3]]);
});

test("of several cancels the first of the list counts, and those that were stopped do not", async () => {
  const { list, end } = thunks(3);
  const stop = async () => {
    end(0, stopped);
    end(1, cancel("budget_exceeded"));
  };
  const all = runParallel(list, { concurrency: 3, stop });
  await turns();
  end(2, cancel("timeout"));
  assert.deepEqual(await all, cancel("budget_exceeded"));
});

test("what throws stops the others, and its error is thrown", async () => {
  const { list, fail, stop, stops } = thunks(2);
  const all = runParallel(list, { concurrency: 2, stop });
  fail(1, new Error("a mistake in the function"));
  await assert.rejects(all, /a mistake in the function/);
  assert.equal(stops.length, 1);
});

test("one that does not stop is not waited for", async () => {
  const all = runParallel([() => new Promise(() => {}), () => cancel("timeout")], {
    concurrency: 2,
    stop: async () => {},
  });
  assert.deepEqual(await all, cancel("timeout"));
});

test("when the time is over the others are stopped, and the timeout is the result", async () => {
  const { list, end, stop, stops } = thunks(2);
  const over = Promise.withResolvers<Cancelled>();
  const all = runParallel(list, { concurrency: 2, stop, over: over.promise });
  end(0, "done");
  await turns();
  over.resolve(cancel("timeout"));
  assert.deepEqual(await all, cancel("timeout"));
  assert.equal(stops.length, 1);
});

test("property: all answers in order, or the first own cancel in list order, and never more at once than may", async () => {
  const outcome = fc.oneof(fc.integer(), fc.constantFrom("timeout", "budget_exceeded"));
  const cases = fc.record({
    outcomes: fc.array(outcome, { minLength: 1, maxLength: 12 }),
    concurrency: fc.integer({ min: 1, max: 12 }),
    waits: fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 12, maxLength: 12 }),
  });
  const check = async ({
    outcomes,
    concurrency,
    waits,
  }: typeof cases extends fc.Arbitrary<infer T> ? T : never) => {
    let running = 0;
    let isStopped = false;
    const list = outcomes.map((value, index) => async () => {
      running += 1;
      assert.ok(running <= concurrency);
      assert.ok(!isStopped, "nothing begins after the stop");
      for (let count = 0; count < (waits[index] ?? 0); count += 1) await Promise.resolve();
      running -= 1;
      if (isStopped) return stopped;
      return typeof value === "number" ? value : cancel(value);
    });
    const stop = async () => {
      isStopped = true;
      await turns();
    };
    const result = await runParallel<number>(list, { concurrency, stop });
    const reasons = outcomes.filter((value) => typeof value === "string");
    if (reasons.length === 0) assert.deepEqual(result, outcomes);
    else assert.ok(isCancel(result) && reasons.includes(result.reason as "timeout"));
  };
  await fc.assert(fc.asyncProperty(cases, check), { numRuns: 200 });
});

const steps = {
  add: (value: unknown) => Number(value) + 1,
  later: async (value: unknown) => Number(value) * 2,
  cancelled: () => cancel("timeout"),
};
const pipelines = [
  { name: "no step", steps: [], want: 1 },
  {
    name: "each step gets what the one before gave",
    steps: [steps.add, steps.later, steps.add],
    want: 5,
  },
  {
    name: "a cancel ends it and is the result",
    steps: [steps.add, steps.cancelled, steps.add],
    want: cancel("timeout"),
  },
] as const;

for (const { name, steps: list, want } of pipelines) {
  test(`pipeline: ${name}`, async () => {
    assert.deepEqual(await runPipeline(Promise.resolve(1), list), want);
  });
}

test("a pipeline that begins with a cancel does nothing", async () => {
  const never = () => assert.fail("no step may run");
  assert.deepEqual(await runPipeline(cancel("timeout"), [never]), cancel("timeout"));
});

test("only what has the shape of a cancel is one", () => {
  const others = [null, "cancel", [], { status: "cancel" }, { status: "cancel", reason: "x" }];
  assert.deepEqual(
    others.map(isCancel),
    others.map(() => false),
  );
  assert.equal(isCancel(cancel("timeout")), true);
});

test("a task has what came before beneath it", () => {
  assert.equal(taskAfter("Sum up.", undefined), "Sum up.");
  assert.equal(
    taskAfter("Sum up.", { n: 1 }),
    'Sum up.\n\nThe result of the step before:\n{"n":1}',
  );
});
