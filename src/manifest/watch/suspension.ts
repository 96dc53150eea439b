import { formatDuration } from "../../lib/quantities.ts";
import { count } from "../../lib/text.ts";
import type { WatchEvent } from "./contract.ts";
import { RELOADS_MAX, RELOADS_WINDOW_MS, SUSPENDED_QUIET_MS } from "./limits.ts";

/** Which files change so often that what they say is held as it was. */
export interface Suspension {
  /** Looks at the suspended files as they are now, and takes up again those that have been quiet. */
  observe(digestOf: (file: string) => string | undefined, nowMs: number): void;
  /** Whether a changed file may cause a reload now; counts it when it may, suspends the file when it may not. */
  admits(file: string, digest: string | undefined, nowMs: number): boolean;
  /** When a suspended file may have been quiet for long enough. */
  dueMs(): number | undefined;
}

interface Suspended {
  readonly digest: string | undefined;
  readonly changedMs: number;
}

/** A suspension without files. */
export function createSuspension(onEvent: (event: WatchEvent) => void): Suspension {
  const suspended = new Map<string, Suspended>();
  const reloads = new Map<string, readonly number[]>();

  function suspend(file: string, digest: string | undefined, nowMs: number): void {
    suspended.set(file, { digest, changedMs: nowMs });
    reloads.delete(file);
    const message = `${file} caused ${count(RELOADS_MAX, "reload")} in ${formatDuration(RELOADS_WINDOW_MS)}; it is held as it was until it has been quiet for ${formatDuration(SUSPENDED_QUIET_MS)}`;
    onEvent({ type: "suspended", code: "LEG1084", file, message });
  }

  return {
    observe(digestOf, nowMs) {
      for (const [file, times] of reloads)
        if ((times.at(-1) ?? 0) <= nowMs - RELOADS_WINDOW_MS) reloads.delete(file);
      for (const [file, { digest, changedMs }] of suspended) {
        const now = digestOf(file);
        if (now !== digest) suspended.set(file, { digest: now, changedMs: nowMs });
        else if (nowMs - changedMs >= SUSPENDED_QUIET_MS) {
          suspended.delete(file);
          onEvent({ type: "resumed", file });
        }
      }
    },
    admits(file, digest, nowMs) {
      if (suspended.has(file)) return false;
      const times = (reloads.get(file) ?? []).filter((ms) => ms > nowMs - RELOADS_WINDOW_MS);
      if (times.length >= RELOADS_MAX) {
        suspend(file, digest, nowMs);
        return false;
      }
      reloads.set(file, [...times, nowMs]);
      return true;
    },
    dueMs() {
      const changes = [...suspended.values()].map(({ changedMs }) => changedMs);
      return changes.length === 0 ? undefined : Math.min(...changes) + SUSPENDED_QUIET_MS;
    },
  };
}
