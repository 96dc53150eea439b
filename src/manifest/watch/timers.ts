/** Timers as an argument, so that tests need not wait. */
export interface Timers {
  /** Runs something once, later; returns what prevents it. */
  after(ms: number, run: () => void): () => void;
}

export const systemTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
