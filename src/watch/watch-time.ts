import type { Clock } from "../lib/clock.ts";
import type { TimeShift } from "../trigger/machine-shift.ts";

/**
 * The time of a machine is wall time, for windows of the day and for `now`, that passes as the clock that never jumps:
 * it is read as monotonic time plus an offset. When the wall clock was put right (a step of more than STEP_MS), the
 * offset follows, and every moment that the machine remembers is moved along: no `for`, `cooldown` or window of history
 * gets longer or shorter by it. Smaller differences are let go until they add up to a step.
 */
export const STEP_MS = 2_000;

/** What is known of time between two looks. */
export interface WatchTime {
  /** Added to monotonic time. */
  readonly offsetMs: number;
  /** When the last look was; none before the first. */
  readonly lastMs?: number;
}

export interface Moment {
  readonly time: WatchTime;
  readonly nowMs: number;
  /** How the remembered moments move before the machine gets the look; none where nothing moves. */
  readonly shift?: TimeShift;
}

/** The time of a watcher that begins, or goes on after a restart with the moment of its last look. */
export function beginTime(clock: Clock, lastMs?: number): WatchTime {
  const offsetMs = clock.now() - clock.monotonic();
  return { offsetMs, ...(lastMs !== undefined && { lastMs }) };
}

/**
 * The moment of a look. Nobody looked in a gap that is longer than `spacingMs`: a rest, a restart, a machine that slept.
 * So much of it counts for a condition that lasts, and no more: `for 5m` is not satisfied by a night in which nobody looked.
 * Everything else (cooldown, at most, repeat, keep, within, history) goes by the time that really passed.
 */
export function momentOf(time: WatchTime, clock: Clock, spacingMs: number): Moment {
  const wallMs = clock.now();
  let { offsetMs } = time;
  let nowMs = clock.monotonic() + offsetMs;
  let allMs = 0;
  if (Math.abs(wallMs - nowMs) > STEP_MS) {
    allMs = wallMs - nowMs;
    offsetMs += allMs;
    nowMs = wallMs;
  }
  const last = time.lastMs === undefined ? nowMs : time.lastMs + allMs;
  // After a restart the wall clock may be behind the last look: what is remembered must not lie ahead.
  if (last > nowMs) allMs += nowMs - last;
  const lastingMs = Math.max(0, nowMs - last - spacingMs);
  const isMoved = allMs !== 0 || lastingMs > 0;
  return {
    time: { offsetMs, lastMs: nowMs },
    nowMs,
    ...(isMoved && { shift: { allMs, lastingMs } }),
  };
}
