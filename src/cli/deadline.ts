import { LegionError } from "../lib/errors.ts";
import { parseDuration } from "../lib/quantities.ts";

/** The longest that a timer can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The milliseconds that a flag such as `--timeout 60s` gives; undefined without one. Throws LEG7001 for what is no time above 0. */
export function positiveDuration(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new LegionError({
    code: "LEG7001",
    message: `${flag} does not take "${text}"`,
    hint: "write a number above 0 and a unit: 500ms, 60s, 5m",
  });
}

/** The signal, aborted with a TimeoutError too. Not AbortSignal.timeout: nothing keeps one alive that is only a part of another. */
export function limited(signal: AbortSignal, timeoutMs: number | undefined): AbortSignal {
  if (timeoutMs === undefined) return signal;
  const controller = new AbortController();
  const expire = () => controller.abort(new DOMException("--timeout is over", "TimeoutError"));
  setTimeout(expire, Math.min(timeoutMs, TIMER_MS_MAX)).unref();
  if (signal.aborted) controller.abort(signal.reason);
  signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
  return controller.signal;
}

/** Whether a signal of `limited` was aborted because the time was over. */
export function isTimeout({ reason }: AbortSignal): boolean {
  return reason instanceof DOMException && reason.name === "TimeoutError";
}
