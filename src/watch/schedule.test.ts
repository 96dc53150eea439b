// Goal: a watcher looks on a fixed grid that neither drifts nor bunches, at the same moments every time.
// Method: properties over random intervals, jitters and moments; a count of how a thousand watchers spread.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { dueMs, type Grid, SPREAD_MS_MAX, spreadMs, tickAfter } from "./schedule.ts";

const grids = fc
  .record({
    startMs: fc.nat(1_000_000),
    intervalMs: fc.integer({ min: 100, max: 600_000 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    seed: fc.string({ maxLength: 20 }),
  })
  .map(({ share, ...grid }): Grid => ({ ...grid, jitterMs: Math.floor(grid.intervalMs * share) }));

test("every moment lies at most a jitter behind its place, in order, and is the same when it is asked for again", () => {
  fc.assert(
    fc.property(grids, fc.nat(100_000), (grid, tick) => {
      const late = dueMs(grid, tick) - grid.startMs - tick * grid.intervalMs;
      assert.ok(late >= 0 && late <= grid.jitterMs);
      assert.ok(dueMs(grid, tick) <= dueMs(grid, tick + 1));
      assert.equal(dueMs({ ...grid }, tick), dueMs(grid, tick));
    }),
  );
});

test("the next tick is ahead, is none that was, and leaves out no moment that is still to come", () => {
  fc.assert(
    fc.property(grids, fc.nat(1_000), fc.nat(3_600_000), (grid, tick, passedMs) => {
      const nowMs = dueMs(grid, tick) + passedMs;
      const next = tickAfter(grid, tick, nowMs);
      assert.ok(next > tick && dueMs(grid, next) > nowMs);
      for (let before = next - 1; before > tick && before > next - 4; before -= 1)
        assert.ok(dueMs(grid, before) <= nowMs);
    }),
  );
});

test("a thousand watchers at 1 s that start together spread over the second", () => {
  const slots = new Array<number>(20).fill(0);
  for (let index = 0; index < 1_000; index += 1) {
    const delay = spreadMs(`01JD3F${index}`, 1_000);
    assert.ok(delay >= 0 && delay < 1_000);
    slots[Math.floor(delay / 50)] = (slots[Math.floor(delay / 50)] ?? 0) + 1;
  }
  // 50 in each would be even; by chance alone more than 90 do not come together.
  assert.ok(Math.max(...slots) < 90 && Math.min(...slots) > 15, slots.join(" "));
  assert.ok(spreadMs("a", 3_600_000) < SPREAD_MS_MAX);
});

test("two names have other delays, tick for tick", () => {
  const grid = { startMs: 0, intervalMs: 10_000, jitterMs: 5_000 };
  const delays = (seed: string) =>
    [0, 1, 2, 3].map((tick) => dueMs({ ...grid, seed }, tick) - tick * 10_000);
  assert.notDeepEqual(delays("default/a"), delays("default/b"));
  assert.equal(new Set(delays("default/a")).size, 4);
});
