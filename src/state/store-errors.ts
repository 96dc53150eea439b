import { LegionError } from "../lib/errors.ts";
import { count } from "../lib/text.ts";
import { keyText, type ResourceKey } from "./resource.ts";
import type { Expectation, Fence } from "./store.ts";

/** One object that is not what a write expected. */
export interface Conflict {
  readonly key: ResourceKey;
  /** `moved`: at another version. `exists`, `absent`: the opposite was expected. `deleting`: it waits for its finalizers. */
  readonly reason: "moved" | "exists" | "absent" | "deleting";
  readonly expected?: Expectation;
  /** The version it is at, when it is there. */
  readonly actual?: number;
}

/** A write met objects in another state than it expected. Nothing was written. */
export class ConflictError extends LegionError {
  readonly conflicts: readonly Conflict[];

  constructor(conflicts: readonly Conflict[]) {
    const told = conflicts.slice(0, CONFLICTS_TOLD).map(sentence);
    const more = conflicts.length - told.length;
    super({
      code: "LEG6021",
      message: told.join("; ") + (more > 0 ? `; and ${count(more, "object")} more` : ""),
      hint: "read them again, decide again, and repeat the write",
    });
    this.conflicts = conflicts;
  }
}
const CONFLICTS_TOLD = 5;

function sentence({ key, reason, expected, actual }: Conflict): string {
  const name = keyText(key);
  switch (reason) {
    case "moved":
      return `${name} moved: it is at version ${actual}, not ${expected}`;
    case "exists":
      return `${name} exists already, at version ${actual}`;
    case "absent":
      return `${name} does not exist`;
    case "deleting":
      return `${name} is being deleted and waits for its finalizers`;
  }
}

/** The writer does not own the lease any more. Nothing was written. */
export class FencedError extends LegionError {
  readonly fence: Fence;

  constructor(fence: Fence, currentEpoch: number) {
    const owner =
      currentEpoch === fence.epoch ? "was released" : `is at epoch ${currentEpoch} by now`;
    super({
      code: "LEG6022",
      message: `the lease "${fence.lease}" of epoch ${fence.epoch} ${owner}`,
      hint: "stop the work that the lease stood for; acquire it again before writing",
    });
    this.fence = fence;
  }
}

/** The log of changes cannot continue from that version. */
export class TooOldError extends LegionError {
  readonly since: number;

  constructor(since: number, oldest: number, version: number) {
    const why =
      since > version
        ? `the store is only at version ${version}`
        : `the log begins after version ${oldest}`;
    super({
      code: "LEG6023",
      message: `changes since version ${since} are not known: ${why}`,
      hint: "list the objects again and watch from the version before that list",
    });
    this.since = since;
  }
}

/** An input above a limit. */
export function tooLarge(what: string, limit: string): LegionError {
  return new LegionError({
    code: "LEG6025",
    message: `${what}, more than ${limit}`,
    hint: "split it, or keep large data in files and refer to them",
  });
}
