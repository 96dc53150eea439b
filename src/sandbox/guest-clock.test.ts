// Goal: code that is begun again reads the times of the first run, and however it looks at the clock, its record stays short.
// Method: a clock whose sources the tests turn by hand, also backwards; random rows of looks and cuts, then the same row served.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Readings } from "./contract.ts";
import { GuestClock } from "./guest-clock.ts";

const START_MS = 1_790_000_000_000;

/** A clock with its hands: the calendar may jump, the steady clock may not. */
function handMade() {
  const hands = { wallMs: START_MS, steadyMs: 5 };
  const clock = new GuestClock({ wallMs: () => hands.wallMs, steadyMs: () => hands.steadyMs });
  const pass = (ms: number) => {
    hands.wallMs += ms;
    hands.steadyMs += ms;
  };
  return { clock, hands, pass };
}

/** In a live run the step does what it says; in a served one only looks and cuts count. */
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ look: fc.constantFrom(1, 1000) }) },
    { weight: 4, arbitrary: fc.record({ pass: fc.double({ min: 0, max: 50, noNaN: true }) }) },
    { weight: 1, arbitrary: fc.record({ jump: fc.integer({ min: -100_000, max: 100_000 }) }) },
    { weight: 2, arbitrary: fc.record({ cut: fc.constant(true) }) },
  ),
  { maxLength: 300 },
);

type Step = Partial<{ look: number; pass: number; jump: number; cut: boolean }>;

function follow(run: readonly Step[], past: readonly Readings[]) {
  const { clock, hands, pass } = handMade();
  const seen: number[] = [];
  const segments: Readings[] = [];
  clock.begin(past);
  for (const step of run) {
    if (step.look !== undefined) seen.push(Math.floor(clock.read(step.look) / step.look));
    if (step.cut) segments.push(clock.cut());
    if (past.length > 0) continue;
    pass(step.pass ?? 0);
    hands.wallMs += step.jump ?? 0;
  }
  return { seen, segments };
}

test("a served row of looks never differs from the live one, whatever its segments", () => {
  fc.assert(
    fc.property(steps, (looks) => {
      const run = [...looks, { cut: true }];
      const live = follow(run, []);
      assert.deepEqual(follow(run, live.segments), live);
    }),
  );
});

test("time never goes back, not where the calendar does, and not where served times end", () => {
  fc.assert(
    fc.property(steps, fc.nat(5), (run, served) => {
      const row = run.map((step) => ("look" in step ? { look: 1 } : step));
      const { segments } = follow(row, []);
      const { seen } = follow(row, segments.slice(0, served));
      assert.deepEqual(
        seen,
        seen.toSorted((a, b) => a - b),
      );
    }),
  );
});

test("differences are exact from segment to segment, though the calendar knows only milliseconds", () => {
  const hands = { nowMs: START_MS + 0.7 };
  const clock = new GuestClock({
    wallMs: () => Math.floor(hands.nowMs),
    steadyMs: () => hands.nowMs - START_MS,
  });
  clock.begin([]);
  for (let count = 0; count < 20; count += 1) {
    const before = clock.read(1);
    clock.cut();
    hands.nowMs += 0.25;
    assert.ok(Math.abs(clock.read(1) - before - 250) <= 1);
  }
});

test("a calendar that jumps is followed from the next segment on, but not back", () => {
  const { clock, hands } = handMade();
  clock.begin([]);
  const first = clock.read(1);
  hands.wallMs += 3_600_000;
  assert.equal(clock.read(1), first);
  clock.cut();
  assert.equal(clock.read(1), first + 3_600_000_000);
  hands.wallMs -= 7_200_000;
  clock.cut();
  assert.equal(clock.read(1), first + 3_600_000_000);
});

test("a million looks in a minute fit into a short text, and the clock never stands still for long", () => {
  const { clock, pass } = handMade();
  clock.begin([]);
  const first = clock.read(1);
  let worst = 0;
  for (let count = 1; count <= 1_000_000; count += 1) {
    pass(0.06);
    const shownMs = (clock.read(1) - first) / 1000;
    worst = Math.max(worst, (count * 0.06 - shownMs) / (count * 0.06 + 10));
  }
  assert.ok(worst < 1 / 8, `it was behind by ${worst} of the time that had gone by`);
  const readings = clock.cut();
  assert.ok(readings.length < 4000, `${readings.length} characters`);
});

test("a code that only looks at the calendar pays for milliseconds, not for looks", () => {
  const { clock, pass } = handMade();
  clock.begin([]);
  for (let count = 0; count < 30_000; count += 1) {
    clock.read(1000);
    pass(0.001);
  }
  assert.equal(clock.cut().split(".").length, 30);
});

const odd = [
  { name: "nothing", readings: "", want: [0, 0] },
  { name: "one look, where two are asked for", readings: "5", want: [5, 5] },
  { name: "a difference that is none", readings: "5.!.2", want: [5, 5] },
  { name: "a count that is none", readings: "5*.7", want: [5, 12] },
];

for (const { name, readings, want } of odd) {
  test(`readings that no clock wrote do no harm: ${name}`, () => {
    const { clock } = handMade();
    clock.begin([readings]);
    assert.deepEqual([clock.read(1), clock.read(1)], want);
  });
}

test("outside of an evaluation the clock stands at zero", () => {
  const { clock } = handMade();
  assert.equal(clock.read(1), 0);
  clock.begin([]);
  assert.equal(clock.read(1000), START_MS * 1000);
  clock.rest();
  assert.equal(clock.read(1), 0);
});
