import type { Timers } from "../../manifest/watch/timers.ts";
import type { Cancelled } from "./combine.ts";
import { cancelledBy, parallelTimedOut, siblingStopped } from "./errors.ts";
import type { ChildRun } from "./runs.ts";

/** Several runs that end together. */
export interface Group {
  readonly id: string;
  /** What all of them give once they have been ended; undefined before. */
  readonly cancelled: Cancelled | undefined;
  /** Settles when they have been told to end. */
  readonly over: Promise<Cancelled>;
  add(run: ChildRun): void;
  /** Ends all that run, because one was cancelled. Resolves when they have ended. */
  stop(): Promise<void>;
  /** They are done: nothing is left to end. */
  done(): void;
}

/** The groups of one turn. */
export interface Groups {
  /** The time limit is part of the id: a group that the process before had opened is opened again by its id. */
  open(name: string, timeoutMs: number | undefined, above?: Group): Group;
  /** Undefined for an id that is none of a group. */
  of(id: string): Group | undefined;
  closeAll(): void;
}

const PREFIX = "group/";

/** Groups that end at their time, and with the group that they were opened in. */
export function createGroups(timers: Timers): Groups {
  const groups = new Map<string, Group>();

  function open(id: string, timeoutMs: number | undefined, above?: Group): Group {
    const known = groups.get(id);
    if (known !== undefined) return known;
    const made = createGroup(id, timeoutMs, timers, () => groups.delete(id));
    groups.set(id, made);
    above?.over.then(() => made.stop());
    return made;
  }

  return {
    open: (name, timeoutMs, above) => open(`${PREFIX}${name}/${timeoutMs ?? ""}`, timeoutMs, above),
    of(id) {
      if (!id.startsWith(PREFIX)) return undefined;
      const limit = id.slice(id.lastIndexOf("/") + 1);
      return open(id, /^[0-9]+$/.test(limit) ? Number(limit) : undefined);
    },
    closeAll() {
      for (const group of groups.values()) group.done();
    },
  };
}

function createGroup(
  id: string,
  timeoutMs: number | undefined,
  timers: Timers,
  onDone: () => void,
): Group {
  const runs: ChildRun[] = [];
  const over = Promise.withResolvers<Cancelled>();
  let cancelled: Cancelled | undefined;
  let stopReason: unknown;
  const cancelTimer =
    timeoutMs === undefined
      ? () => {}
      : timers.after(timeoutMs, () => {
          const reason = new DOMException("the time is over", "TimeoutError");
          void end(parallelTimedOut(timeoutMs), reason);
        });

  async function end(result: Cancelled, reason: unknown): Promise<void> {
    if (cancelled === undefined) {
      cancelTimer();
      cancelled = result;
      stopReason = reason;
      over.resolve(result);
    }
    await Promise.all(runs.toReversed().map((run) => run.stop(stopReason)));
  }

  return {
    id,
    get cancelled() {
      return cancelled;
    },
    over: over.promise,
    add(run) {
      runs.push(run);
      run.result.then(() => runs.splice(runs.indexOf(run), 1));
      if (cancelled !== undefined) void run.stop(stopReason);
    },
    stop() {
      const error = siblingStopped();
      return end(cancelledBy("interrupted", error.toJSON()), error);
    },
    done() {
      cancelTimer();
      onDone();
    },
  };
}
