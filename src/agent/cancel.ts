import type { ErrorData } from "../lib/errors.ts";
import { formatDuration } from "../lib/quantities.ts";
import { count } from "../lib/text.ts";

/** The error of a turn that took all its iterations. */
export function iterationsReached(maxIterations: number): ErrorData {
  return {
    code: "LEG2020",
    message: `the agent did not finish in ${count(maxIterations, "iteration")}`,
    hint: "give it a smaller task, or raise spec.maxIterations",
  };
}

/** The error of a turn whose step failed too often; it says what the last failure was. */
export function retriesReached(failures: number, last: ErrorData): ErrorData {
  return {
    code: "LEG2021",
    message: `the step failed${failures === 1 ? "" : ` ${failures} times in a row, at last`} with ${last.code}: ${last.message}`,
    hint: last.hint,
  };
}

/** The error of a turn that took too long; without a number it was the caller who limited it. */
export function timedOut(timeoutMs: number | undefined): ErrorData {
  const limit = timeoutMs === undefined ? "the limit of the caller" : formatDuration(timeoutMs);
  return {
    code: "LEG2022",
    message: `the turn was not finished within ${limit}`,
    hint: "raise spec.timeout or the caller's limit, or give the agent less to do",
  };
}

/** The error of a turn that its caller ended. */
export function interrupted(): ErrorData {
  return {
    code: "LEG2023",
    message: "the turn was interrupted before the agent had finished",
    hint: "run it again",
  };
}

/** The error of a turn whose sandbox was taken away. */
export function terminated(): ErrorData {
  return {
    code: "LEG2024",
    message: "the turn ended because the sandboxes were closed",
    hint: "run it again when Legion runs",
  };
}
