import { setImmediate } from "node:timers/promises";
import { SLICE_MS } from "./limits.ts";

/** To be awaited between steps of long work: lets others run when the work has held the event loop for a while. */
export function breather(): () => Promise<void> {
  let sinceMs = performance.now();
  return async () => {
    if (performance.now() - sinceMs < SLICE_MS) return;
    await setImmediate();
    sinceMs = performance.now();
  };
}
