import { durationMs } from "../lib/quantities.ts";
import type { CronSpec } from "../manifest/generated/cron.ts";
import type { CronStatus } from "./columns-watching.ts";
import { localMoment, spanText, utcText } from "./moments.ts";

/** When a cron is due next, as far as its manifest and what is known of it say. */
export interface CronMoments {
  readonly moments: readonly CronMoment[];
  /** What keeps some of them from running, or puts them off: a sentence each. */
  readonly notes: readonly string[];
}

export interface CronMoment {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** By the clocks of the zone, with their offset. */
  readonly local: string;
  readonly offset: string;
  /** With its jitter, where it has some: when it runs. */
  readonly due?: string;
  /** From now until then. */
  readonly inMs: number;
  /** That clocks changed since the moment before it. */
  readonly change?: string;
}

export interface MomentsWanted {
  readonly name: string;
  readonly namespace: string;
  readonly spec: CronSpec;
  /** How it stands, where a daemon says so. */
  readonly cron: CronStatus | undefined;
  readonly count: number;
  readonly fromMs: number;
  readonly nowMs: number;
}

/** The next moments of a cron, oldest first, within startAt, endAt and maxRuns. Throws LEG2784 for a schedule that cannot be read. */
export async function cronMoments(wanted: MomentsWanted): Promise<CronMoments> {
  const { spec, cron, count, fromMs, nowMs } = wanted;
  const [{ momentsOf }, { dueAt }] = await Promise.all([
    import("../cron/plan.ts"),
    import("../cron/decide.ts"),
  ]);
  const moments = await momentsOf(wanted);
  const { schedule, startMs, endMs } = moments;
  const left = spec.maxRuns === undefined ? Infinity : spec.maxRuns - (cron?.runs ?? 0);
  const times: number[] = [];
  let afterMs = Math.max(fromMs, startMs - 1);
  while (times.length < Math.min(count, left)) {
    const next = schedule.next(afterMs);
    if (next === undefined || next >= endMs) break;
    times.push(next);
    afterMs = next;
  }
  return {
    moments: times.map((atMs, index) => {
      const [beforeMs, dueMs] = [times[index - 1] ?? fromMs, dueAt(moments, atMs)];
      return momentOf({ atMs, beforeMs, dueMs, nowMs, zone: spec.timezone });
    }),
    notes: notesOf(wanted, { startMs, endMs, found: times.length, left }),
  };
}

interface Times {
  readonly atMs: number;
  readonly dueMs: number;
  /** The moment before it, or where the count begins. */
  readonly beforeMs: number;
  readonly nowMs: number;
}

function momentOf({
  atMs,
  beforeMs,
  dueMs,
  nowMs,
  zone,
}: Times & { readonly zone: string }): CronMoment {
  const [before, { text, offset, offsetMinutes }] = [
    localMoment(beforeMs, zone),
    localMoment(atMs, zone),
  ];
  const minutes = offsetMinutes - before.offsetMinutes;
  const way = minutes > 0 ? "ahead" : "back";
  const span = spanText(Math.abs(minutes) * 60_000);
  return {
    at: new Date(atMs).toISOString(),
    ...{ local: text, offset, inMs: dueMs - nowMs },
    ...(dueMs !== atMs && { due: new Date(dueMs).toISOString() }),
    ...(minutes !== 0 && {
      change: `the clocks of ${zone} go ${way} ${span} before this, from ${before.offset} to ${offset}`,
    }),
  };
}

interface Span {
  readonly startMs: number;
  readonly endMs: number;
  /** Moments that were found, and runs that spec.maxRuns leaves. */
  readonly found: number;
  readonly left: number;
}

/** Everything that the list of moments does not show by itself. */
function notesOf(
  { name, spec, cron, count }: MomentsWanted,
  { startMs, endMs, found, left }: Span,
): readonly string[] {
  const jitterMs = durationMs(spec.jitter);
  const { suspend, maxRuns } = spec;
  const isCut = found < count && found >= left;
  const notes: readonly (string | false | undefined)[] = [
    suspend && "It is suspended: none of these runs while spec.suspend is true.",
    cron?.state === "paused" &&
      `It pauses (${cron.reason ?? "a run failed"}): none of these runs before legion cron resume ${name}.`,
    cron?.state === "ended" && `It has ended: ${cron.reason ?? "no moment is left"}.`,
    jitterMs > 0 &&
      `Each comes up to ${spanText(jitterMs)} later (spec.jitter); IN counts that in.`,
    Number.isFinite(startMs) && `None is before spec.startAt, ${utcText(startMs)}.`,
    Number.isFinite(endMs) && `None is from spec.endAt on, ${utcText(endMs)}.`,
    maxRuns !== undefined && isCut && `It ends after ${maxRuns} runs (spec.maxRuns).`,
    found === 0 && "No moment is left.",
  ];
  return notes.filter((note) => typeof note === "string");
}
