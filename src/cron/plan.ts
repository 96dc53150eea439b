import { LegionError } from "../lib/errors.ts";
import { lazily } from "../lib/lazily.ts";
import { durationMs } from "../lib/quantities.ts";
import { taskRoots } from "../manifest/checks/crons.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import { triggerLanguage } from "../trigger/language.ts";
import type { Moments } from "./decide.ts";

/** Croner is loaded for those who have a cron. */
const schedules = lazily(() => import("../lib/schedules.ts"));

/** What a cron is run by. */
export interface CronPlan {
  readonly moments: Moments;
  readonly windowMs: number;
  /** What the moments depend on: another one has other moments. */
  readonly identity: string;
  /** The task of one run. */
  task(about: { readonly tick: number; readonly now: number; readonly count: number }): string;
}

/** What is understood of a cron before it runs. */
type Declared = Pick<ManifestObject<"Cron">, "name" | "namespace" | "spec">;

/** Understands a cron that validation has let through. LEG2784 for one that it would not. */
export async function planOf(object: ManifestObject<"Cron">): Promise<CronPlan> {
  const { schedule, timezone, startAt, endAt, catchupWindow } = object.spec;
  return {
    moments: await momentsOf(object),
    windowMs: durationMs(catchupWindow),
    identity: JSON.stringify([schedule, timezone, startAt, endAt]),
    task: await taskOf(object),
  };
}

/** The moments of a cron. LEG2784 for a schedule that is not understood. */
export async function momentsOf(object: Declared): Promise<Moments> {
  const { name, namespace, spec } = object;
  const { schedule, timezone, startAt, endAt, jitter } = spec;
  const { parseSchedule } = await schedules.get();
  const read = parseSchedule(schedule, timezone);
  if ("problems" in read) throw notUnderstood(object, read.problems[0]);
  const edge = (text: string) => edgeMs(text, timezone, parseSchedule);
  return {
    schedule: read.schedule,
    name: `${namespace}/${name}`,
    jitterMs: durationMs(jitter),
    startMs: startAt === undefined ? Number.NEGATIVE_INFINITY : edge(startAt),
    endMs: endAt === undefined ? Number.POSITIVE_INFINITY : edge(endAt),
  };
}

/** A date alone is the first moment of that day in the zone of the cron. */
function edgeMs(
  text: string,
  zone: string,
  parseSchedule: typeof import("../lib/schedules.ts")["parseSchedule"],
): number {
  const ms = Date.parse(text);
  if (text.includes("T")) return ms;
  const day = new Date(ms);
  const read = parseSchedule(`0 0 ${day.getUTCDate()} ${day.getUTCMonth() + 1} *`, zone);
  // No clock is further from UTC than 14 hours.
  const fromMs = ms - 14 * 3_600_000 - 1;
  return ("schedule" in read ? read.schedule.next(fromMs) : undefined) ?? ms;
}

async function taskOf(object: ManifestObject<"Cron">): Promise<CronPlan["task"]> {
  const { name, spec } = object;
  const { task = "" } = spec;
  if (!task.includes("{{")) return () => task;
  const { compileText } = await triggerLanguage.get();
  const { compiled, errors } = compileText(task, taskRoots);
  if (compiled === undefined) throw notUnderstood(object, errors[0]);
  return (about) => compiled.fill({ name, ...about }, about.now);
}

function notUnderstood(
  { name }: Pick<Declared, "name">,
  problem: { readonly message: string; readonly hint?: string } | undefined,
): LegionError {
  return new LegionError({
    code: "LEG2784",
    message: `the cron "${name}" cannot be run: ${problem?.message ?? "it is not understood"}`,
    hint: problem?.hint ?? "run legion validate, mend the manifest and apply it",
  });
}
