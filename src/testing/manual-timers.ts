import { type Clock, manualClock } from "../lib/clock.ts";
import type { Timers } from "../manifest/watch/timers.ts";

/** Time that passes when it is told to: what was due by then runs, in the order in which it was due. */
export interface ManualTime {
  readonly clock: Clock;
  readonly timers: Timers;
  advance(ms: number): void;
  /** Milliseconds until each timer that is set, the next one first. */
  pending(): number[];
}

interface Timer {
  readonly dueMs: number;
  readonly run: () => void;
}

/** A clock that stands still and timers that belong to it. */
export function manualTime(startMs = Date.UTC(2026, 0, 1)): ManualTime {
  const clock = manualClock(startMs);
  const set = new Set<Timer>();
  const next = () => [...set].sort((a, b) => a.dueMs - b.dueMs)[0];
  return {
    clock,
    timers: {
      after(ms, run) {
        const timer = { dueMs: clock.monotonic() + ms, run };
        set.add(timer);
        return () => void set.delete(timer);
      },
    },
    advance(ms) {
      const end = clock.monotonic() + ms;
      for (let timer = next(); timer !== undefined && timer.dueMs <= end; timer = next()) {
        clock.advance(timer.dueMs - clock.monotonic());
        set.delete(timer);
        timer.run();
      }
      clock.advance(end - clock.monotonic());
    },
    pending: () => [...set].map(({ dueMs }) => dueMs - clock.monotonic()).sort((a, b) => a - b),
  };
}
