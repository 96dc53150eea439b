import type { Clock } from "../lib/clock.ts";
import { errorData } from "../lib/errors.ts";
import type { Timers } from "../manifest/watch/timers.ts";
import type { Sample } from "../trigger/samples.ts";
import type { WatchSource } from "./contract.ts";
import { GRACE_MS } from "./plan.ts";

export interface LookEnd {
  readonly sample: Sample;
  readonly latencyMs: number;
  /** The source was left behind: this is not what it gave. */
  readonly isLeft: boolean;
}

/** One look at a source. */
export interface Look {
  /** What was seen. It never rejects, and comes at the latest when timeout and grace are over. */
  readonly ended: Promise<LookEnd>;
  /** The source has let go; later than `ended` for one that was left behind. */
  readonly settled: Promise<void>;
  abort(): void;
}

/** Looks once. A source that does not end when it is told to is left behind: what it gives later is nobody's. */
export function lookAt(
  source: WatchSource,
  timeoutMs: number,
  { clock, timers }: { readonly clock: Clock; readonly timers: Timers },
): Look {
  const controller = new AbortController();
  const startedMs = clock.monotonic();
  const { promise: ended, resolve } = Promise.withResolvers<LookEnd>();
  const end = (sample: Sample, isLeft: boolean) => {
    const latencyMs = Math.round((clock.monotonic() - startedMs) * 10) / 10;
    resolve({ sample, latencyMs, isLeft });
  };
  let cancel = timers.after(timeoutMs, () => {
    controller.abort(new DOMException("the timeout of the watcher is over", "TimeoutError"));
    cancel = timers.after(GRACE_MS, () => end(leftBehind, true));
  });
  const settled = pollOf(source, controller.signal).then((sample) => {
    cancel();
    end(sample, false);
  });
  return { ended, settled, abort: () => controller.abort() };
}

async function pollOf(source: WatchSource, signal: AbortSignal): Promise<Sample> {
  try {
    return await source.poll(signal);
  } catch (error) {
    const { code, message } = errorData(error);
    return { ok: false, error: { code, message } };
  }
}

const leftBehind: Sample = {
  ok: false,
  error: { code: "LEG2702", message: "the look did not end when its time was over" },
};
