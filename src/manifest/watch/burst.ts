import { dirname } from "node:path";
import { HINTED_PATHS_MAX } from "./limits.ts";

/** Hints that came close to each other, and when it is time to look at what they were about. */
export interface Burst {
  /** A path may have changed. `isHeard`: the system said so; otherwise a search found it. */
  note(path: string, nowMs: number, isHeard: boolean): void;
  /** When to search: after quiet, or when the burst has lasted long enough. Undefined without hints. */
  dueMs(): number | undefined;
  /** Whether there were hints, and none of late. */
  isQuiet(nowMs: number): boolean;
  /** Every path that was hinted at; undefined when some are forgotten, or not all hints came from the system. */
  heard(): ReadonlySet<string> | undefined;
  /** Whether the system told of any of them. */
  readonly isHeard: boolean;
  /** Whether a path, or a folder above it, was hinted at lately. */
  isHot(path: string, nowMs: number): boolean;
  /** Whether a path, or a folder above it, was hinted at at all. */
  isAbout(path: string): boolean;
}

/** A burst without hints. */
export function createBurst(debounceMs: number, debounceMaxMs: number): Burst {
  const paths = new Map<string, number>();
  let firstMs: number | undefined;
  let lastMs = Number.NEGATIVE_INFINITY;
  let isHeard = false;
  let isWhole = true;
  return {
    note(path, nowMs, byTheSystem) {
      firstMs ??= nowMs;
      lastMs = Math.max(lastMs, nowMs);
      isHeard ||= byTheSystem;
      isWhole &&= byTheSystem;
      // Set anew, the path is the youngest; the oldest is first.
      paths.delete(path);
      paths.set(path, nowMs);
      const [oldest] = paths.size > HINTED_PATHS_MAX ? paths.keys() : [];
      if (oldest === undefined) return;
      paths.delete(oldest);
      isWhole = false;
    },
    dueMs: () =>
      firstMs === undefined ? undefined : Math.min(lastMs + debounceMs, firstMs + debounceMaxMs),
    isQuiet: (nowMs) => firstMs !== undefined && nowMs - lastMs >= debounceMs,
    heard: () => (isWhole && paths.size > 0 ? new Set(paths.keys()) : undefined),
    get isHeard() {
      return isHeard;
    },
    isHot: (path, nowMs) => above(path, paths, (atMs) => nowMs - atMs < debounceMs),
    isAbout: (path) => above(path, paths, () => true),
  };
}

/** Whether the hint of a path, or of a folder above it, is one that is looked for. */
function above(
  path: string,
  hints: ReadonlyMap<string, number>,
  isWanted: (atMs: number) => boolean,
): boolean {
  for (let place = path; ; place = dirname(place)) {
    const atMs = hints.get(place);
    if (atMs !== undefined && isWanted(atMs)) return true;
    if (place === dirname(place)) return false;
  }
}
