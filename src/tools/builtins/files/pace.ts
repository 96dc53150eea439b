import { setImmediate } from "node:timers/promises";

/** The most time that work keeps the thread before others have a turn. */
const SLICE_MS_MAX = 4;

/** A function to await between small pieces of long work: it throws once the signal is aborted, and now and then lets the event loop go round. */
export function pace(signal: AbortSignal): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since >= SLICE_MS_MAX) {
      await setImmediate();
      since = performance.now();
    }
    signal.throwIfAborted();
  };
}
