import { Writable } from "node:stream";
import { LegionError } from "../lib/errors.ts";
import { count } from "../lib/text.ts";
import type { CronSpec } from "../manifest/generated/cron.ts";
import type { ApiObject } from "../reconcile/contract.ts";
import type { Tick } from "../state/ticks.ts";
import type { Silence } from "../state/watching.ts";
import { ageText } from "./columns.ts";
import {
  type CronStatus,
  cronOf,
  lookErrorHint,
  suppressedText,
  type WatchStatus,
  watchOf,
} from "./columns-watching.ts";
import { type CronMoments, cronMoments } from "./cron-moments.ts";
import { tickColumns, tickRow } from "./cron-ticks.ts";
import { spanText, utcText } from "./moments.ts";
import { renderTable } from "./table.ts";
import { wrapText } from "./wrap-text.ts";

/** What a daemon tells of a watcher or a cron besides its status. */
export interface WatchingDetails {
  /** Of the watcher; absent when nothing silences it. */
  readonly silence?: Silence;
  /** Of the cron, newest first. */
  readonly ticks?: readonly Tick[];
}

const MOMENTS = 3;
const LABEL_WIDTH = 14;
const MARGIN = "  ";

type Rows = readonly (readonly [label: string, texts: readonly string[]])[];

interface Shown {
  readonly width: number;
  readonly now: number;
}

/** The sections about how a watcher looks or a cron runs, as lines no wider than the width; none of other kinds. */
export async function watchingLines(
  object: ApiObject,
  { silence, ticks = [] }: WatchingDetails,
  shown: Shown,
): Promise<readonly string[]> {
  if (object.kind === "Cron") {
    return [...section("Cron:", await cronRows(object, shown), shown), ...ticksLines(ticks, shown)];
  }
  const watch = watchOf(object);
  return watch === undefined ? [] : section("Watch:", watchRows(watch, silence, shown), shown);
}

function section(title: string, rows: Rows, { width }: Shown): readonly string[] {
  const room = width - MARGIN.length - LABEL_WIDTH;
  const lines = rows.flatMap(([label, texts]) =>
    texts
      .flatMap((text) => wrapText(text, room))
      .map((line, index) => {
        const head = index === 0 ? `${label}:` : "";
        return `${MARGIN}${head.padEnd(LABEL_WIDTH)}${line}`;
      }),
  );
  return lines.length === 0 ? [] : [title, ...lines];
}

function watchRows(watch: WatchStatus, silence: Silence | undefined, { now }: Shown): Rows {
  const { state, since, value, fires, lastFireAt, errors, error, pending } = watch;
  const suppressed = suppressedText(watch);
  return [
    ["State", [`${state} for ${ageText(now - Date.parse(since))}`]],
    ["Value", [value === undefined ? "none yet" : JSON.stringify(value)]],
    ["Polls", [pollsText(watch, now)]],
    [
      "Fires",
      [`${fires}${lastFireAt === undefined ? "" : `, the last one ${ago(lastFireAt, now)}`}`],
    ],
    ["Suppressed", [suppressed === "-" ? "none" : suppressed]],
    ...(errors === 0 ? [] : [["Errors", [count(errors, "poll")]] as const]),
    ...(error === undefined ? [] : [["Error", errorTexts(error)] as const]),
    ...(silence === undefined ? [] : [["Silence", [silenceText(silence, now)]] as const]),
    ...(pending === 0
      ? []
      : [["Pending", [`${count(pending, "delivery", "deliveries")} not made yet`]] as const]),
  ];
}

/** What is wrong, and the next step where one is known. */
function errorTexts({ code, message }: NonNullable<WatchStatus["error"]>): readonly string[] {
  const next = lookErrorHint({ code, message });
  return [`${code}: ${message}`, ...(next === undefined ? [] : [`Next: ${next}`])];
}

function pollsText({ polls, lastPollAt, latencyMs, skipped }: WatchStatus, now: number): string {
  const took = latencyMs === undefined ? "" : ` in ${Math.round(latencyMs)} ms`;
  const last = lastPollAt === undefined ? "" : `, the last one ${ago(lastPollAt, now)}${took}`;
  return `${polls}${last}${skipped === 0 ? "" : `, ${skipped} skipped as the one before went on`}`;
}

function silenceText({ until, by, reason }: Silence, now: number): string {
  const endMs = Date.parse(until);
  const why = reason === "" ? "" : `: ${reason}`;
  return `until ${utcText(endMs)} (${spanText(endMs - now)}), by ${by}${why}`;
}

async function cronRows(object: ApiObject, { now }: Shown): Promise<Rows> {
  const spec = object.spec as unknown as CronSpec;
  const cron = cronOf(object);
  const { name, namespace } = object.metadata;
  const wanted = { name, namespace, spec, cron, count: MOMENTS, fromMs: now, nowMs: now };
  const { moments, notes } = await cronMoments(wanted).catch(notUnderstood);
  const zone = /^\s*every\b/i.test(spec.schedule) ? "" : ` ${spec.timezone}`;
  const next = moments.map(
    ({ local, offset, inMs }) => `${local} ${offset}${zone}, in ${spanText(inMs)}`,
  );
  return [...(cron === undefined ? [] : stateRows(cron, now)), ["Next", [...next, ...notes]]];
}

/** What is wrong with the schedule is told in its place; all else can be told without it. */
function notUnderstood(error: unknown): CronMoments {
  if (!(error instanceof LegionError)) throw error;
  return { moments: [], notes: [`${error.message}; ${error.hint}`] };
}

function stateRows({ state, reason, runs, running, queued, last }: CronStatus, now: number): Rows {
  const why = reason === undefined ? "" : `: ${reason}`;
  const lastWhy = last?.reason === undefined ? "" : `: ${last.reason}`;
  return [
    ["State", [`${state}${why}`]],
    ["Runs", [`${runs}, ${running} running, ${queued} waiting for the one before`]],
    ...(last === undefined
      ? []
      : [["Last", [`${last.state}, ${ago(last.at, now)}${lastWhy}`]] as const]),
  ];
}

/** The table of the newest moments, within the margin. */
function ticksLines(ticks: readonly Tick[], { width, now }: Shown): readonly string[] {
  if (ticks.length === 0) return [];
  const rows = ticks.map((tick) => tickRow(tick, now).cells);
  const options = { stream: new Writable(), width: width - MARGIN.length };
  const lines = renderTable(tickColumns, rows, options).trimEnd().split("\n");
  return ["Ticks:", ...lines.map((line) => `${MARGIN}${line}`)];
}

function ago(moment: string, now: number): string {
  return `${ageText(now - Date.parse(moment))} ago`;
}
