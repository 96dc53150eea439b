import type { Timers } from "./timers.ts";

/** Waits for a moment or for being woken, whichever comes first. */
export interface Alarm {
  /** Resolves after so many milliseconds, or when woken; at once if it was woken since the last wait. */
  wait(ms: number): Promise<void>;
  wake(): void;
}

/** An alarm that one waits for at a time. */
export function createAlarm(timers: Timers): Alarm {
  let isWoken = false;
  let ring: (() => void) | undefined;
  return {
    async wait(ms) {
      if (!isWoken && ms > 0) {
        const { promise, resolve } = Promise.withResolvers<void>();
        ring = resolve;
        const cancel = timers.after(ms, resolve);
        await promise;
        cancel();
        ring = undefined;
      }
      isWoken = false;
    },
    wake() {
      isWoken = true;
      ring?.();
    },
  };
}
