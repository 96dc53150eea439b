import { LegionError } from "../lib/errors.ts";
import { interrupted, timedOut } from "./cancel.ts";
import type { End } from "./steps.ts";

/** The longest delay of a timer. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** When a turn has to end: at its own timeout, when the caller says so, or when a limit is reached. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** The timeout stands still until the promise settles: that is the time of people and of other agents. */
  pause<T>(wait: Promise<T>): Promise<T>;
  /** Ends the turn now, in this way. */
  stop(end: End): void;
  /** How the turn ends, once the signal is aborted. */
  end(): End;
}

/** Starts the clock of a turn; disposing stops it. */
export function startDeadline(timeoutMs: number, caller: AbortSignal): Deadline {
  const own = new AbortController();
  let stopped: End | undefined;
  let leftMs = timeoutMs;
  let startedMs = performance.now();
  let timer: NodeJS.Timeout | undefined;
  let waits = 0;
  let isOver = false;
  const run = () => {
    startedMs = performance.now();
    if (!isOver) timer = setTimeout(() => own.abort(), Math.min(leftMs, TIMER_MS_MAX));
  };
  const hold = () => {
    clearTimeout(timer);
    leftMs = Math.max(0, leftMs - (performance.now() - startedMs));
  };
  run();
  return {
    signal: AbortSignal.any([own.signal, caller]),
    async pause(wait) {
      waits += 1;
      if (waits === 1) hold();
      try {
        return await wait;
      } finally {
        waits -= 1;
        if (waits === 0) run();
      }
    },
    stop(end) {
      stopped ??= end;
      own.abort();
    },
    end() {
      if (caller.aborted) return endedBy(caller.reason);
      return stopped ?? { type: "cancel", reason: "timeout", error: timedOut(timeoutMs) };
    },
    [Symbol.dispose]: () => {
      isOver = true;
      clearTimeout(timer);
    },
  };
}

function endedBy(reason: unknown): End {
  const isTimeout = reason instanceof DOMException && reason.name === "TimeoutError";
  if (isTimeout) return { type: "cancel", reason: "timeout", error: timedOut(undefined) };
  // Who ends a turn of somebody else says why.
  const error = reason instanceof LegionError ? reason.toJSON() : interrupted();
  return { type: "cancel", reason: "interrupted", error };
}
