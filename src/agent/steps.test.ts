// Goal: iterations and retries are counted as the protocol says.
// Method: sequences of outcomes (c continue, f failure) through the pure steps; the end that comes, if one comes.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { StepFailure } from "./failure.ts";
import { advanced, atStart, beforeRequest, type End, limited, type Outcome } from "./steps.ts";

const failure: StepFailure = {
  stage: "code",
  error: { code: "LEG2042", message: "it broke", hint: "mend it" },
};

function play(outcomes: string, limits: { maxIterations: number; maxRetries: number }) {
  let progress = atStart;
  for (const [index, mark] of [...outcomes].entries()) {
    const over = beforeRequest(progress, limits);
    if (over !== undefined) return { end: over, index, progress };
    const step: Outcome = mark === "c" ? { type: "continue" } : { type: "retry", failure };
    const outcome = limited(step, progress, limits);
    if (outcome.type === "finish" || outcome.type === "cancel")
      return { end: outcome, index, progress };
    progress = advanced(progress, outcome);
  }
  return { end: beforeRequest(progress, limits), index: outcomes.length, progress };
}

const rows = [
  { name: "nine of ten iterations leave one", outcomes: "ccccccccc", want: undefined },
  { name: "ten iterations are all", outcomes: "cccccccccc", want: "reached_max_iterations" },
  { name: "three failures may be corrected", outcomes: "fff", want: undefined },
  { name: "the fourth failure in a row cancels", outcomes: "ffff", want: "reached_max_retries" },
  { name: "a success resets the count of failures", outcomes: "fffcfffc", want: undefined },
  { name: "failures use up no iteration", outcomes: "fcfcfcfcfcfcfcfcfc", want: undefined },
  {
    name: "without retries the first failure cancels",
    outcomes: "f",
    maxRetries: 0,
    want: "reached_max_retries",
  },
];

for (const { name, outcomes, maxRetries = 3, want } of rows) {
  test(name, () => {
    const { end } = play(outcomes, { maxIterations: 10, maxRetries });
    assert.equal(reasonOf(end), want);
  });
}

test("the cancel carries the last error", () => {
  const { end } = play("ffff", { maxIterations: 10, maxRetries: 3 });
  assert.ok(end?.type === "cancel");
  assert.equal(
    end.error.message,
    "the step failed 4 times in a row, at last with LEG2042: it broke",
  );
  assert.deepEqual(end.lastError, failure.error);
});

test("retries are counted over the whole turn", () => {
  assert.equal(play("ffcfc", { maxIterations: 10, maxRetries: 3 }).progress.retriesTotal, 3);
});

function reasonOf(end: End | undefined): string | undefined {
  return end?.type === "cancel" ? end.reason : undefined;
}
