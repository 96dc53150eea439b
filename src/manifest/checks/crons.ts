import type { Json, JsonPath } from "../../lib/json.ts";
import { lazily } from "../../lib/lazily.ts";
import type { Schedule, ScheduleProblem } from "../../lib/schedules.ts";
import { triggerLanguage } from "../../trigger/language.ts";
import type { Roots } from "../../trigger/roots.ts";
import type { LoadedDocument } from "../loaded.ts";
import type { ManifestObject } from "../objects.ts";
import { checkArguments, checkNamedFunction } from "./calls.ts";
import { type CheckContext, type Finding, faultAt } from "./context.ts";
import { findingInText, reportProblem } from "./text-place.ts";
import { checkAgent } from "./watchers.ts";

type Cron = ManifestObject<"Cron">;

/** Croner is loaded for those who have a cron. */
const schedules = lazily(() => import("../../lib/schedules.ts"));

/** What the holes of a task may name. */
export const taskRoots: Roots = {
  tick: "timestamp",
  now: "timestamp",
  name: "string",
  count: "number",
};

/** The schedule of a cron is one and has moments, and what it does can be done. */
export async function checkCron(
  cron: Cron,
  context: CheckContext,
  document: LoadedDocument,
): Promise<void> {
  const { schedule: text, timezone, agent, tool, task, arguments: given } = cron.spec;
  checkAgent(cron, agent, { path: ["spec", "agent"] }, context);
  if (tool !== undefined) {
    const at = { start: 0, end: tool.length };
    const call = { object: cron, document, path: ["spec", "tool"], at, name: tool };
    const known = checkNamedFunction(call, context);
    await checkArguments(call, given as Json | undefined, known, context);
  }
  if (task?.includes("{{") === true) await checkTask(task, document, context);
  const parsed = (await schedules.get()).parseSchedule(text, timezone);
  if ("problems" in parsed)
    for (const problem of parsed.problems)
      context.report(faultAt(cron, scheduleFinding(document, problem)));
  for (const finding of spanFindings(cron, "schedule" in parsed ? parsed.schedule : undefined))
    context.report(faultAt(cron, finding));
}

async function checkTask(
  task: string,
  document: LoadedDocument,
  context: CheckContext,
): Promise<void> {
  const { compileText } = await triggerLanguage.get();
  const path: JsonPath = ["spec", "task"];
  for (const problem of compileText(task, taskRoots).errors)
    reportProblem({ document, path }, problem, context);
}

function scheduleFinding(document: LoadedDocument, problem: ScheduleProblem): Finding {
  const { of: field, message, hint, start, end } = problem;
  return findingInText(
    document,
    ["spec", field],
    { start, end },
    {
      code: field === "schedule" ? "LEG1120" : "LEG1121",
      summary: `Cron spec.${field}: ${message}`,
      detail: hint,
    },
  );
}

/** startAt and endAt are days of the calendar, and the schedule has a moment between them. */
function spanFindings({ spec }: Cron, schedule: Schedule | undefined): readonly Finding[] {
  const unreal = (["startAt", "endAt"] as const).flatMap((field): readonly Finding[] => {
    const text = spec[field];
    if (text === undefined || isReal(text)) return [];
    const summary = `Cron spec.${field} "${text}" is no moment of the calendar`;
    const detail = "write a date such as 2026-02-28, or one with a time: 2026-02-28T09:00:00+01:00";
    return [{ code: "LEG1122", path: ["spec", field], summary, detail }];
  });
  const { startAt, endAt } = spec;
  if (unreal.length > 0 || endAt === undefined) return unreal;
  const path = ["spec", "endAt"];
  const endMs = latest(endAt);
  if (startAt !== undefined && earliest(startAt) >= endMs) {
    const summary = `Cron spec.endAt ${endAt} does not come after startAt ${startAt}`;
    return [{ code: "LEG1122", path, summary, detail: "swap them, or write a later end" }];
  }
  if (startAt === undefined) return [];
  const first = schedule?.next(earliest(startAt) - 1);
  if (first === undefined || first < endMs) return [];
  const summary = "the schedule has no moment from startAt up to endAt";
  const detail = `the first one comes at ${new Date(first).toISOString()}: write a later end`;
  return [{ code: "LEG1122", path, summary, detail }];
}

/** A date alone begins with its day, somewhere on earth: no zone is further from UTC than this. */
const ZONE_MS_MAX = 14 * 3_600_000;

function earliest(text: string): number {
  return Date.parse(text) - (text.includes("T") ? 0 : ZONE_MS_MAX);
}

function latest(text: string): number {
  return Date.parse(text) + (text.includes("T") ? 0 : ZONE_MS_MAX);
}

/** JavaScript takes the 30th of February for the 2nd of March. */
function isReal(text: string): boolean {
  const [date = "", time] = text.split("T");
  const day = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== date) return false;
  return time === undefined || (!time.startsWith("24") && !Number.isNaN(Date.parse(text)));
}
