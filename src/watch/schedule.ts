/** When a watcher looks, on the clock that never jumps. Nothing here is random: the same watcher gets the same delays. */

/** No watcher looks more often, whatever a manifest says. */
export const INTERVAL_MS_MIN = 100;
/** Within this time after its start a watcher looks for the first time. */
export const SPREAD_MS_MAX = 5_000;

/** The moments of one watcher: every interval from the start on, each put off by its jitter. */
export interface Grid {
  readonly startMs: number;
  readonly intervalMs: number;
  /** At most an interval, so that moments stay in order. */
  readonly jitterMs: number;
  /** What the delays come from. */
  readonly seed: string;
}

/** How long the first look waits, so that many watchers that start together do not look together. */
export function spreadMs(uid: string, intervalMs: number): number {
  return hash32(uid) % Math.min(intervalMs, SPREAD_MS_MAX);
}

/** The moment of a tick; the first one is 0. */
export function dueMs({ startMs, intervalMs, jitterMs, seed }: Grid, tick: number): number {
  const jitter = jitterMs === 0 ? 0 : hash32(`${seed}:${tick}`) % jitterMs;
  return startMs + tick * intervalMs + jitter;
}

/** The first tick behind one whose moment is not past. What went by while the process stood still is not caught up. */
export function tickAfter(grid: Grid, tick: number, nowMs: number): number {
  const current = Math.floor((nowMs - grid.startMs) / grid.intervalMs) - 1;
  let next = Math.max(tick + 1, current);
  while (dueMs(grid, next) <= nowMs) next += 1;
  return next;
}

/** FNV-1a, 32 bits. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  // Texts that differ at their end only would lie side by side without a last mixing.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
