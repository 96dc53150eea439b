import { formatDuration } from "../../lib/quantities.ts";
import { failure, WireFailure } from "../failures.ts";

export interface Timeouts {
  /** Until the response begins. */
  readonly firstByteMs: number;
  /** Between two pieces of content. */
  readonly idleMs: number;
  /** For the whole request. */
  readonly totalMs: number;
}

/** Watches the time of one request. */
export interface Watchdog {
  /** Aborted by the caller, or with a WireFailure when a time is over. */
  readonly signal: AbortSignal;
  /** The response has begun: from now on the idle time counts. */
  responded(): void;
  /** Content has come. */
  progress(): void;
  /** Stops the timers; cancels the request unless it is done. */
  end(done: boolean): void;
}

/** The longest time that a timer of Node can wait, about 24 days. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Starts watching; the time until the response begins counts at once. */
export function watchdog(
  caller: AbortSignal,
  provider: string,
  { firstByteMs, idleMs, totalMs }: Timeouts,
): Watchdog {
  const own = new AbortController();
  const after = (ms: number, kind: "noResponse" | "stalled" | "tooSlow", what: string) =>
    setTimeout(
      () => own.abort(new WireFailure(failure(kind, `${provider} ${what} ${formatDuration(ms)}`))),
      Math.min(ms, TIMER_MAX_MS),
    );
  const total = after(totalMs, "tooSlow", "did not finish its answer within");
  let waiting = after(firstByteMs, "noResponse", "did not begin to respond within");
  return {
    signal: AbortSignal.any([caller, own.signal]),
    responded() {
      clearTimeout(waiting);
      waiting = after(idleMs, "stalled", "began its answer, then sent no content for");
    },
    progress() {
      waiting.refresh();
    },
    end(done) {
      clearTimeout(total);
      clearTimeout(waiting);
      if (!done) own.abort();
    },
  };
}
