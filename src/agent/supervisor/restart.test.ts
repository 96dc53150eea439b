// Goal: R43: after a fault an agent waits longer and longer, and is stopped when there are too many faults in a short time.
// Method: sequences of faults at given times through the pure decision.
import assert from "node:assert/strict";
import { test } from "node:test";
import { afterFault, noFaults, type RestartLimits } from "./restart.ts";

const limits: RestartLimits = {
  policy: "permanent",
  maxRestarts: 3,
  withinMs: 5_000,
  delayMs: 10_000,
  delayMsMax: 300_000,
  healthyAfterMs: 600_000,
};

/** What follows each fault of an agent, given the milliseconds since the one before. */
function faults(gapsMs: readonly number[], more: Partial<RestartLimits> = {}) {
  let before = noFaults;
  let nowMs = 1;
  return gapsMs.map((gapMs) => {
    nowMs += gapMs;
    const after = afterFault({ ...limits, ...more }, before, nowMs);
    if (after.type === "stop") return after.reason;
    before = after.faults;
    return after.delayMs;
  });
}

const cases = [
  ["one fault has the agent wait 10 s", [0], {}, [10_000]],
  [
    "the delay doubles up to 300 s",
    [0, 11_000, 21_000, 41_000, 81_000, 161_000, 301_000, 301_000],
    {},
    [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000],
  ],
  ["10 healthy minutes reset it", [0, 11_000, 600_000, 1], {}, [10_000, 20_000, 10_000, 20_000]],
  ["a moment less does not", [0, 599_999], {}, [10_000, 20_000]],
  [
    "the fourth within 5 s is one too many",
    [0, 1, 1, 1],
    {},
    [10_000, 20_000, 40_000, "restart intensity"],
  ],
  ["5 s later they do not count any more", [0, 1, 1, 5_000], {}, [10_000, 20_000, 40_000, 80_000]],
  ["no restart is allowed", [0], { maxRestarts: 0 }, ["restart intensity"]],
  ["temporary never goes on", [0], { policy: "temporary" }, ["restart policy temporary"]],
  ["transient goes on after a fault", [0, 11_000], { policy: "transient" }, [10_000, 20_000]],
  ["no number of faults makes a delay of no number", Array(2_000).fill(400_000), {}, undefined],
] as const;

for (const [name, gapsMs, more, expected] of cases) {
  test(name, () => {
    const found = faults(gapsMs, more);
    if (expected !== undefined) assert.deepEqual(found, expected);
    else assert.ok(found.every((delayMs) => typeof delayMs === "number" && delayMs <= 300_000));
  });
}
