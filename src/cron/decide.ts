import { textHash } from "../lib/hash.ts";
import type { Schedule } from "../lib/schedules.ts";
import type { CronSpec } from "../manifest/generated/cron.ts";
import type { Tick } from "../state/ticks.ts";

/** A moment that is more than this behind went by: it falls under catchup. */
export const LATE_MS = 60_000;
/** Up to so many moments that went by are counted. */
export const MISSED_COUNTED_MAX = 1_000;
/** Ticks of one cron that wait. */
export const WAITING_MAX = 1_000;

/** A moment and whose it is. */
export type DueTick = Pick<Tick, "atMs" | "by">;

/** What the moments of a cron depend on. */
export interface Moments {
  readonly schedule: Schedule;
  /** What jitter depends on beside the moment. */
  readonly name: string;
  readonly jitterMs: number;
  /** No moment before this one counts, and none from the end on. */
  readonly startMs: number;
  readonly endMs: number;
}

/** What is to be done now. */
export interface Due {
  /** Oldest first. */
  readonly ticks: readonly DueTick[];
  /** Moments that went by and are not caught up; all of them lie before those that are. */
  readonly missed?: { readonly count: number; readonly isMore: boolean; readonly lastMs: number };
  /** The moment that comes next, and when it is due with its jitter; none when the cron has ended. */
  readonly next?: { readonly atMs: number; readonly dueMs: number };
}

/**
 * What has become due between what was decided and now. It takes a bounded time however long ago that was: moments that
 * went by are searched from the newest back.
 */
export function dueOf(
  moments: Moments,
  policy: Pick<CronSpec, "catchup" | "catchupMax"> & { readonly windowMs: number },
  { decidedMs, nowMs }: { readonly decidedMs: number; readonly nowMs: number },
): Due {
  const { schedule, startMs, endMs } = moments;
  const afterMs = Math.max(decidedMs, startMs - 1);
  const lateMs = newestLate(moments, nowMs - LATE_MS);
  const isLate = lateMs !== undefined && lateMs > afterMs;
  const caughtUp = isLate ? caughtUpOf(schedule, policy, { afterMs, lateMs, nowMs }) : [];
  const ticks: DueTick[] = caughtUp.map((atMs) => ({ atMs, by: "catchup" }));
  let atMs = schedule.next(isLate ? lateMs : afterMs);
  while (atMs !== undefined && atMs < endMs && dueAt(moments, atMs) <= nowMs) {
    ticks.push({ atMs, by: "schedule" });
    atMs = schedule.next(atMs);
  }
  const oldest = caughtUp[0];
  const missedMs = !isLate ? undefined : oldest === undefined ? lateMs : schedule.previous(oldest);
  return {
    ticks,
    ...(missedMs !== undefined && missedMs > afterMs && missed(schedule, afterMs, missedMs)),
    ...(atMs !== undefined && atMs < endMs && { next: { atMs, dueMs: dueAt(moments, atMs) } }),
  };
}

/** Whether no moment is left after what was decided. */
export function isOver({ schedule, startMs, endMs }: Moments, decidedMs: number): boolean {
  const next = schedule.next(Math.max(decidedMs, startMs - 1));
  return next === undefined || next >= endMs;
}

/** When a moment is due: the same for the same cron and moment, and always before the next moment. */
export function dueAt({ schedule, name, jitterMs }: Moments, atMs: number): number {
  if (jitterMs <= 0) return atMs;
  const next = schedule.next(atMs) ?? Number.POSITIVE_INFINITY;
  const fraction = Number.parseInt(textHash(`${name} ${atMs}`).slice(0, 8), 16) / 2 ** 32;
  return atMs + Math.floor(fraction * Math.min(jitterMs, next - atMs));
}

/** The newest moment that was due before a time. */
function newestLate(moments: Moments, beforeMs: number): number | undefined {
  const { schedule, endMs } = moments;
  const newest = schedule.previous(Math.min(beforeMs, endMs));
  if (newest === undefined || dueAt(moments, newest) < beforeMs) return newest;
  // Each is due before the next one comes.
  return schedule.previous(newest);
}

function caughtUpOf(
  schedule: Schedule,
  { catchup, catchupMax, windowMs }: Parameters<typeof dueOf>[1],
  { afterMs, lateMs, nowMs }: { afterMs: number; lateMs: number; nowMs: number },
): number[] {
  const most = { none: 0, last: 1, all: catchupMax }[catchup];
  const found: number[] = [];
  let atMs: number | undefined = lateMs;
  while (found.length < most && atMs !== undefined && atMs > afterMs && nowMs - atMs <= windowMs) {
    found.push(atMs);
    atMs = schedule.previous(atMs);
  }
  return found.reverse();
}

function missed(schedule: Schedule, afterMs: number, lastMs: number): Pick<Due, "missed"> {
  let count = 0;
  let atMs = schedule.next(afterMs);
  while (atMs !== undefined && atMs <= lastMs && count < MISSED_COUNTED_MAX) {
    count += 1;
    atMs = schedule.next(atMs);
  }
  return { missed: { count, isMore: atMs !== undefined && atMs <= lastMs, lastMs } };
}

/** What a moment does while earlier ones run or wait. replace: earlier ones that wait are left out. */
export type Overlapping = "start" | "skip" | "wait" | "cancelAndWait" | "cancelAndStart";

/** Decides about one moment. Those that are caught up wait for each other, as they would have come one after the other. */
export function overlapOf(
  policy: CronSpec["overlap"],
  by: Tick["by"],
  { running, waiting }: { readonly running: number; readonly waiting: number },
): Overlapping {
  if (policy === "allowAll") return "start";
  if (running === 0 && (waiting === 0 || by === "person")) return "start";
  const isFull = waiting >= WAITING_MAX;
  if (by === "catchup") return isFull ? "skip" : "wait";
  switch (policy) {
    case "skip":
      return "skip";
    case "bufferOne":
      return waiting > 0 ? "skip" : "wait";
    case "bufferAll":
      return isFull ? "skip" : "wait";
    case "cancelOther":
      return "cancelAndWait";
    case "terminateOther":
      return "cancelAndStart";
  }
}
