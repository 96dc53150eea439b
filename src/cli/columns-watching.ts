import type { CronState } from "../cron/contract.ts";
import { isObject } from "../lib/json.ts";
import type { ApiObject } from "../reconcile/contract.ts";
import type { WatcherState } from "../watch/contract.ts";
import { ageText, none, type ObjectColumn, stateOf } from "./columns.ts";
import { readinessOf } from "./readiness.ts";
import { type Cell, cut, type TextStyle } from "./table.ts";

/** As much of a value or a schedule as a table has room for; legion describe has the rest. */
const TEXT_WIDTH_MAX = 40;

/** How a watcher stands, as a daemon tells it. */
export type WatchStatus = Omit<WatcherState, "uid">;
/** How a cron stands, as a daemon tells it. */
export type CronStatus = Omit<CronState, "uid">;

export function watchOf({ status: { watch } }: ApiObject): WatchStatus | undefined {
  return isObject(watch) ? (watch as unknown as WatchStatus) : undefined;
}

export function cronOf({ status: { cron } }: ApiObject): CronStatus | undefined {
  return isObject(cron) ? (cron as unknown as CronStatus) : undefined;
}

const watchStyles: Readonly<Record<WatchStatus["state"], TextStyle>> = {
  ...{ new: "dim", idle: "green", pending: "yellow", firing: "red" },
  ...{ no_data: "yellow", error: "red", suspended: "dim" },
};
const cronStyles: Readonly<Record<CronStatus["state"], TextStyle>> = {
  ...{ waiting: "green", running: "yellow", suspended: "dim", paused: "yellow", ended: "dim" },
};

/** What a person wants to know first of an object that does not run as it should; undefined for one that does. */
function trouble(object: ApiObject): Cell | undefined {
  const { reason } = stateOf(object);
  if (reason === "Rejected") return { text: reason, style: "red" };
  const { state } = readinessOf(object);
  if (state === "ready" || resting.has(reason)) return undefined;
  return { text: reason, style: state === "stalled" ? "red" : "yellow" };
}

/** Reasons for which the state has a word of its own. */
const resting: ReadonlySet<string> = new Set(["Suspended", "AgentStopped", "Paused"]);

/** The state of the watcher; or why it does not run as its manifest says. */
export function watchCell(object: ApiObject): Cell {
  const watch = watchOf(object);
  const wrong = trouble(object);
  if (wrong !== undefined) return wrong;
  if (watch === undefined) return stateOf(object).reason;
  return { text: watch.state, style: watchStyles[watch.state] };
}

/** The state of the cron; or why it does not run as its manifest says. */
export function cronCell(object: ApiObject): Cell {
  const cron = cronOf(object);
  const wrong = trouble(object);
  if (wrong !== undefined) return wrong;
  if (cron === undefined) return stateOf(object).reason;
  const { state, running, queued } = cron;
  const many = running > 1 ? ` ${running}` : "";
  const text = `${state}${many}${queued > 0 ? `, ${queued} queued` : ""}`;
  return { text, style: cronStyles[state] };
}

/** `silenced 3, cooldown 2`: what held fires back, most often first. */
export function suppressedText({ suppressed }: Pick<WatchStatus, "suppressed">): string {
  const counts = Object.entries(suppressed).filter(([, amount]) => amount > 0);
  const sorted = counts.toSorted(([, a], [, b]) => b - a);
  return sorted.map(([gate, amount]) => `${gate} ${amount}`).join(", ") || none;
}

/** What can be done about a look that failed, where that is no matter of what was looked at. */
export function lookErrorHint({
  code,
  message,
}: NonNullable<WatchStatus["error"]>): string | undefined {
  const isAddress = code === "blocked" && / is (at|an?) /.test(message);
  return isAddress ? "if it is to be looked at, add it to spec.allowPrivate" : undefined;
}

/** `0 9 * * mon-fri Europe/Oslo`; a length of time knows no zone. */
export function scheduleText({ spec: { schedule, timezone } }: ApiObject): string {
  const text = typeof schedule === "string" ? schedule : none;
  return /^\s*every\b/i.test(text) ? text : `${text} ${timezone ?? "UTC"}`;
}

/** `in 45s`; a dash where nothing comes. */
export function untilText(moment: string | undefined, now: number): string {
  return moment === undefined ? none : `in ${ageText(Date.parse(moment) - now)}`;
}

const lastStyles: Readonly<Record<string, TextStyle>> = {
  ...{ ok: "green", failed: "red", cancelled: "yellow", dropped: "red" },
  ...{ skipped: "yellow", missed: "yellow" },
};

function lastCell(object: ApiObject, now: number): Cell {
  const last = cronOf(object)?.last;
  if (last === undefined) return none;
  const text = `${last.state} ${ageText(now - Date.parse(last.at))} ago`;
  const style = lastStyles[last.state];
  return style === undefined ? text : { text, style };
}

function ofWatch(tell: (watch: WatchStatus, now: number) => string): ObjectColumn["cell"] {
  return (object, { now }) => {
    const watch = watchOf(object);
    return watch === undefined ? none : tell(watch, now);
  };
}

function since(moment: string | undefined, now: number): string {
  return moment === undefined ? none : ageText(now - Date.parse(moment));
}

function specText(field: string): ObjectColumn["cell"] {
  return ({ spec }) => (typeof spec[field] === "string" ? spec[field] : none);
}

/** What the cron has somebody do it: `agent/a`, or the function. */
function target({ spec: { agent, tool } }: ApiObject): string {
  if (typeof agent === "string") return `agent/${agent}`;
  return typeof tool === "string" ? tool : none;
}

export const watcherColumns: readonly ObjectColumn[] = [
  { title: "state", reserve: 9, cell: watchCell },
  {
    title: "value",
    isFree: true,
    reserve: 10,
    cell: ofWatch(({ value }) =>
      value === undefined ? none : cut(JSON.stringify(value), TEXT_WIDTH_MAX),
    ),
  },
  {
    title: "since",
    align: "right",
    reserve: 5,
    cell: ofWatch((watch, now) => since(watch.since, now)),
  },
  { title: "fires", align: "right", reserve: 5, cell: ofWatch(({ fires }) => String(fires)) },
  { title: "suppressed", reserve: 12, cell: ofWatch(suppressedText) },
  {
    title: "silenced",
    isOptional: true,
    isSpare: true,
    cell: ofWatch(({ silencedUntil }, now) =>
      silencedUntil === undefined ? none : `${ageText(Date.parse(silencedUntil) - now)} more`,
    ),
  },
  { title: "agent", isSpare: true, cell: specText("agent") },
];

export const watcherWideColumns: readonly ObjectColumn[] = [
  { title: "type", cell: specText("type") },
  { title: "interval", align: "right", cell: specText("interval") },
  {
    title: "last poll",
    align: "right",
    cell: ofWatch(({ lastPollAt }, now) => since(lastPollAt, now)),
  },
  {
    title: "latency",
    align: "right",
    cell: ofWatch(({ latencyMs }) =>
      latencyMs === undefined ? none : `${Math.round(latencyMs)}ms`,
    ),
  },
  { title: "errors", align: "right", cell: ofWatch(({ errors }) => String(errors)) },
  { title: "skipped", align: "right", cell: ofWatch(({ skipped }) => String(skipped)) },
];

export const cronColumns: readonly ObjectColumn[] = [
  {
    title: "schedule",
    reserve: 14,
    cell: (object) => cut(scheduleText(object), TEXT_WIDTH_MAX),
  },
  {
    title: "next",
    align: "right",
    reserve: 6,
    cell: (object, { now }) => untilText(cronOf(object)?.next, now),
  },
  { title: "last", reserve: 14, cell: (object, { now }) => lastCell(object, now) },
  {
    title: "runs",
    align: "right",
    reserve: 4,
    cell: (object) => String(cronOf(object)?.runs ?? none),
  },
  { title: "state", isFree: true, reserve: 9, cell: cronCell },
];

export const cronWideColumns: readonly ObjectColumn[] = [
  { title: "target", cell: target },
  { title: "overlap", cell: specText("overlap") },
  { title: "catchup", cell: specText("catchup") },
  { title: "jitter", align: "right", cell: specText("jitter") },
];
