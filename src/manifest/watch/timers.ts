/** Timers as an argument, so that tests need not wait. */
export interface Timers {
  /** Runs something once, later; returns what prevents it. */
  after(ms: number, run: () => void): () => void;
}

/** What one timer of Node can wait; it would run one that waits longer at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemTimers: Timers = {
  after(ms, run) {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      timer =
        leftMs > TIMER_MS_MAX
          ? setTimeout(() => wait(leftMs - TIMER_MS_MAX), TIMER_MS_MAX)
          : setTimeout(run, leftMs);
    };
    wait(ms);
    return () => clearTimeout(timer);
  },
};
