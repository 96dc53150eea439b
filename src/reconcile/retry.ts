import { backoffMs } from "./delays.ts";

/** Work that failed is tried again: after a second, then after twice as long each time, at most after five minutes. */
export interface Retry {
  later(): void;
  /** It succeeded: the next failure begins from a second again. */
  forget(): void;
  close(): void;
}

/** Calls `work` some time after each `later`; one call is planned at a time. */
export function createRetry(work: () => void, random: () => number = Math.random): Retry {
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  const cancel = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  return {
    later() {
      if (timer !== undefined) return;
      failures += 1;
      timer = setTimeout(
        () => {
          timer = undefined;
          work();
        },
        backoffMs(failures, random),
      );
    },
    forget() {
      failures = 0;
      cancel();
    },
    close: cancel,
  };
}
