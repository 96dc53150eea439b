import type { ErrorData } from "../lib/errors.ts";
import type { Json } from "../lib/json.ts";
import type { AgentSpec } from "../manifest/generated/agent.ts";
import { iterationsReached, retriesReached } from "./cancel.ts";
import type { CancelReason } from "./contract.ts";
import type { StepFailure } from "./failure.ts";

/** Where a turn stands between two steps. */
export interface Progress {
  readonly iteration: number;
  /** How often in a row the step at hand has failed. */
  readonly retries: number;
  /** How often any step was to be corrected. */
  readonly retriesTotal: number;
  readonly lastError?: ErrorData;
}

export const atStart: Progress = { iteration: 0, retries: 0, retriesTotal: 0 };

/** What one step came to. */
export type Outcome =
  | { readonly type: "continue" }
  | { readonly type: "retry"; readonly failure: StepFailure }
  | End;

export type End =
  | { readonly type: "finish"; readonly value: Json }
  | {
      readonly type: "cancel";
      readonly reason: CancelReason;
      readonly error: ErrorData;
      /** What was wrong with the step that was one failure too many. */
      readonly lastError?: ErrorData;
    };

type Limits = Pick<AgentSpec, "maxIterations" | "maxRetries">;

/** Whether the turn may ask the model again. */
export function beforeRequest({ iteration }: Progress, { maxIterations }: Limits): End | undefined {
  if (iteration < maxIterations) return undefined;
  return {
    type: "cancel",
    reason: "reached_max_iterations",
    error: iterationsReached(maxIterations),
  };
}

/** A failure that is one too many becomes a cancel; everything else stays what it is. */
export function limited(outcome: Outcome, { retries }: Progress, { maxRetries }: Limits): Outcome {
  if (outcome.type !== "retry" || retries < maxRetries) return outcome;
  const lastError = outcome.failure.error;
  const error = retriesReached(retries + 1, lastError);
  return { type: "cancel", reason: "reached_max_retries", error, lastError };
}

/** Where the turn stands after a step that did not end it. */
export function advanced(progress: Progress, outcome: Exclude<Outcome, End>): Progress {
  if (outcome.type === "continue") {
    return { ...progress, iteration: progress.iteration + 1, retries: 0 };
  }
  return {
    ...progress,
    retries: progress.retries + 1,
    retriesTotal: progress.retriesTotal + 1,
    lastError: outcome.failure.error,
  };
}
