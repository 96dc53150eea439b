import { formatDuration } from "../../lib/quantities.ts";
import type { WatchEvent } from "./contract.ts";
import { heldGitLock } from "./git-lock.ts";
import { GIT_LOOK_MS, GIT_WAIT_MAX_MS } from "./limits.ts";

/**
 * open: git holds no lock. shut: it does, so wait. released: it did until now. busy: it has held one for so long that
 * waiting ends, although the work tree may be half changed.
 */
export type GitPass = "open" | "shut" | "released" | "busy";

/** Holds searches up while git changes a work tree that roots stand in; not for ever, as a killed git leaves its lock behind. */
export interface GitGate {
  ask(nowMs: number): Promise<GitPass>;
  /** When to ask again while it is shut. */
  dueMs(): number | undefined;
}

/** A gate that stands open. */
export function createGitGate(
  roots: readonly string[],
  onEvent: (event: WatchEvent) => void,
): GitGate {
  let shut:
    | { readonly sinceMs: number; readonly askedMs: number; readonly isBusy: boolean }
    | undefined;
  return {
    async ask(nowMs) {
      const lock = await heldGitLock(roots);
      if (lock === undefined) {
        const wasShut = shut !== undefined && !shut.isBusy;
        shut = undefined;
        return wasShut ? "released" : "open";
      }
      const sinceMs = shut?.sinceMs ?? nowMs;
      const isBusy = nowMs - sinceMs >= GIT_WAIT_MAX_MS;
      if (isBusy && shut?.isBusy !== true) {
        const message = `git has held ${lock} for ${formatDuration(GIT_WAIT_MAX_MS)}; going on without waiting, and pruning nothing`;
        onEvent({ type: "git-busy", code: "LEG1085", message });
      }
      shut = { sinceMs, askedMs: nowMs, isBusy };
      return isBusy ? "busy" : "shut";
    },
    dueMs: () => (shut === undefined || shut.isBusy ? undefined : shut.askedMs + GIT_LOOK_MS),
  };
}
