import { LegionError } from "../lib/errors.ts";
import { interrupted, timedOut } from "./cancel.ts";
import type { End } from "./steps.ts";

/** When a turn has to end: at its own timeout, or when the caller says so. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** How the turn ends, once the signal is aborted. */
  end(): End;
}

/** Starts the clock of a turn; disposing stops it. */
export function startDeadline(timeoutMs: number, caller: AbortSignal): Deadline {
  const own = new AbortController();
  const timer = setTimeout(() => own.abort(), timeoutMs);
  return {
    signal: AbortSignal.any([own.signal, caller]),
    end() {
      if (!caller.aborted) return { type: "cancel", reason: "timeout", error: timedOut(timeoutMs) };
      const reason: unknown = caller.reason;
      const isTimeout = reason instanceof DOMException && reason.name === "TimeoutError";
      if (isTimeout) return { type: "cancel", reason: "timeout", error: timedOut(undefined) };
      // Who ends a turn of somebody else says why.
      const error = reason instanceof LegionError ? reason.toJSON() : interrupted();
      return { type: "cancel", reason: "interrupted", error };
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
