/** Time as an argument, so that tests neither sleep nor fake timers. */
export interface Clock {
  /** Wall time, milliseconds since 1970. For people and records; it may jump. */
  now(): number;
  /** Milliseconds since some moment. For durations and deadlines; it never jumps. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/** A clock that stands still until it is told to advance. */
export function manualClock(startMs = Date.UTC(2026, 0, 1)): Clock & { advance(ms: number): void } {
  let elapsedMs = 0;
  return {
    now: () => startMs + elapsedMs,
    monotonic: () => elapsedMs,
    advance: (ms) => {
      elapsedMs += ms;
    },
  };
}
