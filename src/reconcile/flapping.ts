import type { Clock } from "../lib/clock.ts";

/** So many looks at an object because of what it refers to, within so long, are no news any more. */
const LOOKS_MAX = 20;
const WINDOW_MS = 10_000;

/** Tells objects that are looked at again and again because of others: two that wait for each other would never rest. */
export interface FlapGuard {
  /** Counts one more look; true when there were too many of late. */
  isFlapping(key: string): boolean;
  forget(key: string): void;
}

/** A guard that has seen nothing yet. */
export function createFlapGuard(clock: Pick<Clock, "monotonic">): FlapGuard {
  const looks = new Map<string, { count: number; sinceMs: number }>();
  return {
    isFlapping(key) {
      const now = clock.monotonic();
      const seen = looks.get(key);
      if (seen === undefined || now - seen.sinceMs > WINDOW_MS) {
        looks.set(key, { count: 1, sinceMs: now });
        return false;
      }
      seen.count += 1;
      return seen.count > LOOKS_MAX;
    },
    forget: (key) => void looks.delete(key),
  };
}
