// Goal: no length of time gets longer or shorter by a wall clock that is put right, and a gap in which nobody looked does not satisfy a `for` (R08).
// Method: a table of looks with steps of both clocks; saved machines of real triggers are moved and go on.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "../lib/clock.ts";
import { shiftMachine } from "../trigger/machine-shift.ts";
import { compileTrigger } from "../trigger/trigger.ts";
import { beginTime, momentOf } from "./watch-time.ts";

const HOUR = 3_600_000;
const SPACING = 20_000;
const START = Date.UTC(2026, 0, 1);

const steps: readonly {
  readonly says: string;
  readonly wallMs: number;
  readonly passedMs: number;
  readonly allMs: number;
  readonly lastingMs: number;
}[] = [
  { says: "time passes", wallMs: 1_000, passedMs: 1_000, allMs: 0, lastingMs: 0 },
  { says: "a small difference waits", wallMs: 2_900, passedMs: 1_000, allMs: 0, lastingMs: 0 },
  { says: "one hour ahead", wallMs: HOUR, passedMs: 1_000, allMs: HOUR - 1_000, lastingMs: 0 },
  { says: "one hour back", wallMs: -HOUR, passedMs: 1_000, allMs: -HOUR - 1_000, lastingMs: 0 },
  {
    says: "ten years",
    wallMs: 10 * 8766 * HOUR,
    passedMs: 0,
    allMs: 10 * 8766 * HOUR,
    lastingMs: 0,
  },
  { says: "a gap", wallMs: HOUR, passedMs: HOUR, allMs: 0, lastingMs: HOUR - SPACING },
];

for (const { says, wallMs, passedMs, allMs, lastingMs } of steps) {
  test(`R08: ${says}`, () => {
    let wall = START;
    let monotonic = 500;
    const clock: Clock = { now: () => wall, monotonic: () => monotonic };
    const first = momentOf(beginTime(clock), clock, SPACING);
    assert.equal(first.nowMs, START);
    assert.equal(first.shift, undefined);
    wall += wallMs;
    monotonic += passedMs;
    const { nowMs, shift } = momentOf(first.time, clock, SPACING);
    assert.deepEqual(shift ?? { allMs: 0, lastingMs: 0 }, { allMs, lastingMs });
    assert.ok(Math.abs(nowMs - wall) <= 2_000, "windows of the day need wall time");
    assert.equal(
      nowMs - (first.nowMs + allMs),
      passedMs,
      "between the looks as much passed as did",
    );
  });
}

test("R08: after a restart with the wall clock behind, nothing that is remembered lies ahead", () => {
  const clock: Clock = { now: () => START - HOUR, monotonic: () => 5 };
  const { nowMs, shift } = momentOf(beginTime(clock, START), clock, SPACING);
  assert.equal(nowMs, START - HOUR);
  assert.deepEqual(shift, { allMs: -HOUR, lastingMs: 0 });
});

const triggers: readonly {
  readonly says: string;
  readonly trigger: string;
  readonly at: number;
  readonly fires: boolean;
}[] = [
  { says: "for is not over sooner", trigger: "status >= 500 for 5m", at: 299_999, fires: false },
  { says: "for is not over later", trigger: "status >= 500 for 5m", at: 300_000, fires: true },
  {
    says: "a history keeps its window",
    trigger: "count(status, 10m) == 2",
    at: 599_999,
    fires: true,
  },
  {
    says: "a history ends its window",
    trigger: "count(status, 10m) == 2",
    at: 600_001,
    fires: false,
  },
];

for (const { says, trigger, at, fires } of triggers) {
  test(`R08: with the clock put an hour ahead ${says}`, () => {
    const make = () => {
      const { machine } = compileTrigger(trigger, {
        source: "custom",
        schema: { type: "object", properties: { status: { type: "number" } } },
      });
      assert.ok(machine !== undefined);
      return machine;
    };
    const first = make();
    first.poll({ status: 500 }, START);
    const second = make();
    const moved = shiftMachine(JSON.parse(JSON.stringify(first.save())), {
      allMs: HOUR,
      lastingMs: 0,
    });
    assert.ok(second.restore(moved));
    const { fire } = second.poll({ status: 500 }, START + HOUR + at);
    assert.equal(fire !== undefined, fires);
  });
}

test("a machine that is moved there and back is the same", () => {
  const { machine } = compileTrigger(
    "when status >= 500 for 2m clear when status < 400 for 1m cooldown 1h at most 3 per 1d repeat 1h",
    { source: "httpPoll" },
  );
  assert.ok(machine !== undefined);
  for (let poll = 0; poll < 8; poll += 1)
    machine.poll({ status: poll % 5 === 4 ? 200 : 500 }, START + poll * 60_000);
  const saved = JSON.parse(JSON.stringify(machine.save()));
  const there = shiftMachine(saved, { allMs: HOUR, lastingMs: 250 });
  assert.notDeepEqual(there, saved);
  assert.deepEqual(shiftMachine(there, { allMs: -HOUR, lastingMs: -250 }), saved);
});
