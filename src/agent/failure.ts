import type { ErrorData } from "../lib/errors.ts";

/** What was wrong with one step, for the model to correct. Each counts as a retry. */
export interface StepFailure {
  /** Where it went wrong: the reply could not be used, its code failed, or its answer was not accepted. */
  readonly stage: "reply" | "code" | "answer";
  readonly error: ErrorData;
  /** The lines of the model's code around the error. */
  readonly frame?: string;
  /** What the code wrote before it failed. */
  readonly logs?: string;
}
