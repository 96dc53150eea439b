// Goal: after a failure the router does what the table of outcomes says, within its bounds.
// Method: tables of failures and decisions; properties of the pause.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Outcome, WireError } from "./contract.ts";
import { backoffMs, type Decision, decide, defaultRetryLimits, outcomeRules } from "./outcomes.ts";

const error = (outcome: Outcome, retryAfterMs?: number): WireError => ({
  outcome,
  code: "LEG5035",
  message: "m",
  hint: "h",
  ...(retryAfterMs !== undefined && { retryAfterMs }),
});
const limits = {
  ...defaultRetryLimits,
  backoffBaseMs: 100,
  backoffMaxMs: 1_000,
  retryAfterMaxMs: 5_000,
};

interface Row {
  readonly name: string;
  readonly failed: WireError;
  readonly retries?: number;
  readonly last?: boolean;
  readonly leftMs?: number;
  readonly want: Decision;
}

const again = (afterMs: number): Decision => ({ step: "again", afterMs });
const rows: readonly Row[] = [
  {
    name: "a lost connection goes to the next candidate",
    failed: error("connection"),
    want: { step: "next" },
  },
  {
    name: "a lost connection is tried once more where no other candidate is left",
    failed: error("connection"),
    last: true,
    want: again(100),
  },
  {
    name: "and then given up",
    failed: error("connection"),
    last: true,
    retries: 1,
    want: { step: "next" },
  },
  {
    name: "a server that is not there is not tried again",
    failed: { ...error("connection"), code: "LEG5011" },
    last: true,
    want: { step: "next" },
  },
  {
    name: "a timeout is not tried again",
    failed: error("timeout"),
    last: true,
    want: { step: "next" },
  },
  { name: "an overloaded provider is asked again", failed: error("overloaded"), want: again(100) },
  { name: "with pauses that grow", failed: error("server_error"), retries: 1, want: again(200) },
  {
    name: "and after two tries the next candidate is asked",
    failed: error("server_error"),
    retries: 2,
    want: { step: "next" },
  },
  {
    name: "a rate limit is waited for as long as the provider asks",
    failed: error("rate_limited", 3_000),
    want: again(3_000),
  },
  {
    name: "a Retry-After of nothing is tried at once",
    failed: error("rate_limited", 0),
    want: again(0),
  },
  {
    name: "a Retry-After above the cap goes to the next candidate",
    failed: error("rate_limited", 5_001),
    want: { step: "next" },
  },
  {
    name: "a pause longer than the time left goes to the next candidate",
    failed: error("rate_limited", 3_000),
    leftMs: 3_000,
    want: { step: "next" },
  },
  {
    name: "a refused key takes the target out",
    failed: error("unauthorised"),
    want: { step: "out" },
  },
  {
    name: "an empty account takes the target out",
    failed: error("billing"),
    want: { step: "out" },
  },
  {
    name: "a missing model goes to the next candidate",
    failed: error("model_missing"),
    want: { step: "next" },
  },
  {
    name: "a conversation too long goes to the next candidate",
    failed: error("context_overflow"),
    want: { step: "next" },
  },
  {
    name: "what is no answer goes to the next candidate",
    failed: error("malformed"),
    want: { step: "next" },
  },
  { name: "a wrong request ends it", failed: error("invalid_request"), want: { step: "terminal" } },
  { name: "a refusal ends it", failed: error("refused"), want: { step: "terminal" } },
  { name: "an abort ends it", failed: error("aborted"), want: { step: "terminal" } },
];

for (const { name, failed, retries = 0, last = false, leftMs = 60_000, want } of rows) {
  test(name, () => {
    assert.deepEqual(decide({ error: failed, retries, last, leftMs }, limits, 1), want);
  });
}

test("a pause is always at least half and at most the whole of its step, and never above the cap", () => {
  fc.assert(
    fc.property(fc.nat(40), fc.double({ min: 0, max: 0.999, noNaN: true }), (retries, random) => {
      const full = Math.min(1_000, 100 * 2 ** retries);
      const pause = backoffMs(retries, limits, random);
      return pause >= full / 2 && pause <= full;
    }),
  );
});

test("no outcome is tried without end, whatever the provider asks for", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...(Object.keys(outcomeRules) as Outcome[])),
      fc.option(fc.nat(10_000), { nil: undefined }),
      fc.boolean(),
      (outcome, retryAfterMs, last) => {
        return (
          decide(
            {
              error: error(outcome, retryAfterMs),
              retries: 3,
              last,
              leftMs: Number.POSITIVE_INFINITY,
            },
            limits,
            0.5,
          ).step !== "again"
        );
      },
    ),
  );
});
