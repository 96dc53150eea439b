import type { ErrorCode } from "../lib/codes.ts";
import type { Outcome, WireError } from "./contract.ts";

/** What the router does after a failed attempt. */
export type Decision =
  /** Ask the same target again after a pause. */
  | { readonly step: "again"; readonly afterMs: number }
  /** Ask the next candidate. */
  | { readonly step: "next" }
  /** Ask the next candidate, and leave this target out until its manifest or key changes. */
  | { readonly step: "out" }
  /** Return the error. */
  | { readonly step: "terminal" };

interface OutcomeRule {
  /** How often the same target is asked again before the rule holds. */
  readonly retries: number;
  /** The same where no other real candidate is left: a lost connection is worth a second try then. */
  readonly retriesAsLast: number;
  readonly step: "next" | "out" | "terminal";
}

/** What follows from each outcome; the one table that failover goes by. */
export const outcomeRules = {
  connection: { retries: 0, retriesAsLast: 1, step: "next" },
  timeout: { retries: 0, retriesAsLast: 0, step: "next" },
  overloaded: { retries: 2, retriesAsLast: 2, step: "next" },
  server_error: { retries: 2, retriesAsLast: 2, step: "next" },
  malformed: { retries: 0, retriesAsLast: 1, step: "next" },
  model_missing: { retries: 0, retriesAsLast: 0, step: "next" },
  context_overflow: { retries: 0, retriesAsLast: 0, step: "next" },
  rate_limited: { retries: 2, retriesAsLast: 2, step: "next" },
  unauthorised: { retries: 0, retriesAsLast: 0, step: "out" },
  billing: { retries: 0, retriesAsLast: 0, step: "out" },
  invalid_request: { retries: 0, retriesAsLast: 0, step: "terminal" },
  refused: { retries: 0, retriesAsLast: 0, step: "terminal" },
  aborted: { retries: 0, retriesAsLast: 0, step: "terminal" },
} as const satisfies Record<Outcome, OutcomeRule>;

/** Nothing is there to ask: trying once more gives the same. */
const unreachable: ReadonlySet<ErrorCode> = new Set(["LEG5010", "LEG5011", "LEG5012", "LEG5017"]);

/** Bounds of asking again. */
export interface RetryLimits {
  /** The first pause; each further one is twice as long. */
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  /** A provider that asks for a longer pause is left for the next candidate. */
  readonly retryAfterMaxMs: number;
  /** The most time of one request over all of its attempts. */
  readonly requestMs: number;
  /** How long a target stays out whose key or account was refused, when neither its manifest nor its key changes. */
  readonly outMs: number;
}

export const defaultRetryLimits: RetryLimits = {
  backoffBaseMs: 500,
  backoffMaxMs: 8_000,
  retryAfterMaxMs: 30_000,
  requestMs: 30 * 60_000,
  outMs: 10 * 60_000,
};

export interface Failed {
  readonly error: WireError;
  /** How often this target was asked again already. */
  readonly retries: number;
  /** No other real candidate is left. */
  readonly last: boolean;
  /** Time left for this target. */
  readonly leftMs: number;
}

/** What to do after a failure; `random` is from 0 up to 1. */
export function decide(
  { error, retries, last, leftMs }: Failed,
  limits: RetryLimits,
  random: number,
): Decision {
  const rule: OutcomeRule = outcomeRules[error.outcome];
  const allowed = last ? rule.retriesAsLast : rule.retries;
  if (retries >= allowed || unreachable.has(error.code)) return { step: rule.step };
  const afterMs = error.retryAfterMs ?? backoffMs(retries, limits, random);
  if (afterMs > limits.retryAfterMaxMs || afterMs >= leftMs) return { step: rule.step };
  return { step: "again", afterMs };
}

/** Exponential pause, jittered between half of it and the whole. */
export function backoffMs(
  retries: number,
  { backoffBaseMs, backoffMaxMs }: RetryLimits,
  random: number,
): number {
  const fullMs = Math.min(backoffMaxMs, backoffBaseMs * 2 ** retries);
  return Math.round(fullMs / 2 + (fullMs / 2) * random);
}
