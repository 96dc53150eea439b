import type { Clock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import type { Timers } from "../manifest/watch/timers.ts";
import { keyText, type ResourceKey } from "../state/resource.ts";
import type { CronRecord, Tick, Ticks } from "../state/ticks.ts";
import type { EmitObject } from "../telemetry/events.ts";
import type { CronGeneration, CronState, StartJob } from "./contract.ts";
import type { DueTick } from "./decide.ts";
import type { CronPlan } from "./plan.ts";

/** What the crons of a process share. */
export interface CronContext {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly ticks: Ticks;
  readonly start: StartJob;
  readonly emit: EmitObject;
  readonly onError: (error: unknown, key: ResourceKey) => void;
  readonly closing: AbortController;
  readonly changed: (key: ResourceKey) => void;
}

/** A tick that runs here. */
export interface RunningTick extends DueTick {
  readonly cancelling: AbortController;
}

/** One cron as this process has it. */
export interface CronLoop {
  readonly key: ResourceKey;
  readonly uid: string;
  cron: CronGeneration;
  plan: CronPlan;
  record: CronRecord;
  readonly running: Map<number, RunningTick>;
  /** Ticks that wait for those that run, oldest first. */
  waiting: DueTick[];
  /** The newest tick that something came of. */
  last?: CronState["last"];
  /** As it was last decided; `over` when there is none any more. */
  next?: { readonly atMs: number; readonly dueMs: number } | "over";
  /** Everything that changes it, one after the other. */
  working: Promise<unknown>;
  stopTimer?: () => void;
  /** It was deleted, or another one of the name took its place. */
  isRemoved: boolean;
  /** Runs of which it was told that moments were skipped for them. */
  toldSkippedFor?: number;
  /** Looks that failed one after the other. */
  failures: number;
  hasToldEnd: boolean;
  hasToldClock: boolean;
}

/** Works on a cron after everything that was asked for before. */
export function serially<T>(loop: CronLoop, work: () => Promise<T>): Promise<T> {
  const done = loop.working.then(work);
  loop.working = done.catch(() => {});
  return done;
}

/** Whether it starts nothing for now, whatever the schedule says. */
export function isResting({ cron, record }: CronLoop): boolean {
  return cron.object.spec.suspend || record.paused !== undefined;
}

/** Whether nothing is to be begun any more in this process. */
export function isGone({ closing }: CronContext, loop: CronLoop): boolean {
  return closing.signal.aborted || loop.isRemoved;
}

/** Why it has ended; undefined when it has not. */
export function endOf({ cron, record, next }: CronLoop): string | undefined {
  const { maxRuns } = cron.object.spec;
  if (maxRuns !== undefined && record.runs >= maxRuns)
    return `it had ${record.runs} of ${maxRuns} runs`;
  return next === "over" ? "no moment is left" : undefined;
}

/** How a cron stands, for people. */
export function stateOf(loop: CronLoop): CronState {
  const { uid, cron, record, running, waiting, last, next } = loop;
  const end = endOf(loop);
  const state = cron.object.spec.suspend
    ? "suspended"
    : record.paused !== undefined
      ? "paused"
      : running.size > 0
        ? "running"
        : end !== undefined
          ? "ended"
          : "waiting";
  const reason = state === "paused" ? record.paused?.reason : state === "ended" ? end : undefined;
  const isComing = !isResting(loop) && end === undefined && typeof next === "object";
  return {
    ...{ uid, generation: cron.generation, state, runs: record.runs },
    ...{ running: running.size, queued: waiting.length },
    ...(reason !== undefined && { reason }),
    ...(isComing && { next: isoTime(next.dueMs) }),
    ...(last !== undefined && { last }),
  };
}

/** Remembers a tick as the newest one, unless a newer one is known. */
export function noteLast(
  loop: CronLoop,
  { atMs, state, reason }: Pick<Tick, "atMs" | "state" | "reason">,
): void {
  const at = isoTime(atMs);
  if (loop.last !== undefined && loop.last.at > at) return;
  loop.last = { at, state, ...(reason !== undefined && { reason }) };
}

/** Tells of a cron under its name. */
export function tell(
  { emit }: CronContext,
  { key, uid, cron }: CronLoop,
  data: Pick<Parameters<EmitObject>[1], "severity" | "reason" | "message">,
): void {
  emit(keyText(key), { ...data, generation: cron.generation, uid });
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function cronDeleted({ name }: ResourceKey): LegionError {
  return new LegionError({
    code: "LEG2781",
    message: `the cron "${name}" was deleted`,
    hint: "nothing is to be done; send the task with legion tell to have the run again",
  });
}

export function replacedRun({ name }: ResourceKey): LegionError {
  return new LegionError({
    code: "LEG2783",
    message: `a later moment of the cron "${name}" took the place of this run`,
    hint: "set spec.overlap to skip, bufferOne, bufferAll or allowAll to keep earlier runs",
  });
}
