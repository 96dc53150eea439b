import { isObject, type JsonObject } from "../lib/json.ts";
import { count, forTerminal } from "../lib/text.ts";
import { maskSecrets } from "../manifest/secret-shapes.ts";
import type { ApiObject, Revision } from "../reconcile/contract.ts";
import { ROLLED_BACK_ANNOTATION } from "../reconcile/rolled-back.ts";
import type { DaemonEvent } from "../telemetry/events.ts";
import { ageText, isDeclared, loopOf, originText, readyText, stateOf } from "./columns.ts";
import { type WatchingDetails, watchingLines } from "./describe-watching.ts";
import { eventLine, isWarning } from "./events-text.ts";
import { yamlText } from "./output.ts";
import { specShown } from "./spec-shown.ts";
import { cut } from "./table.ts";
import { unobserved } from "./unobserved.ts";
import { wrapText } from "./wrap-text.ts";

export interface Description extends WatchingDetails {
  readonly object: ApiObject;
  /** Newest first. */
  readonly history: readonly Revision[];
  /** Oldest first; absent without a daemon. */
  readonly events?: readonly DaemonEvent[];
}

export interface DescribeOptions {
  readonly width: number;
  /** Wall time, milliseconds since 1970. */
  readonly now: number;
  readonly cwd: string;
  /** Whether one runs that keeps the status true. */
  readonly hasDaemon: boolean;
}

const LABEL_WIDTH = 14;
/** How many lines of a long text of the spec are shown. */
const TEXT_LINES_MAX = 12;
const MARGIN = "  ";

/** Everything about one object, for people: no line is wider than the width. */
export async function describeText(
  { object, history, events, ...details }: Description,
  options: DescribeOptions,
): Promise<string> {
  const { width, now } = options;
  const decided = specShown(object.kind, object.spec);
  const hidden = Object.keys(object.spec).length - Object.keys(decided).length;
  const spec = maskSecrets(await yamlText(shortened(decided)));
  const sections = [
    ...facts(object, options),
    ...(await watchingLines(object, details, options)),
    hidden === 0 ? "Spec:" : `Spec: (and ${count(hidden, "default")}: legion get -o yaml)`,
    ...spec
      .trimEnd()
      .split("\n")
      .flatMap((line) => wrapped(line, width)),
    ...conditionLines(object, options),
    ...managerLines(object, width),
    "History:",
    ...(history.length === 0
      ? [`${MARGIN}none`]
      : history.map((one) => revisionLine(one, object, now))),
    ...eventLines(events, options),
  ];
  return `${sections.map((line) => cut(forTerminal(line), width)).join("\n")}\n`;
}

function facts(
  object: ApiObject,
  { width, cwd, now, hasDaemon }: DescribeOptions,
): readonly string[] {
  const { metadata, status } = object;
  const shown = hasDaemon ? object : unobserved(object);
  const { reason, message } = stateOf(shown);
  const loop = hasDaemon ? loopOf(object) : undefined;
  const { [ROLLED_BACK_ANNOTATION]: rolledBack, ...annotations } = metadata.annotations ?? {};
  const observed = status.observedGeneration;
  const seen =
    observed === undefined || observed === metadata.generation ? "" : ` (seen: ${observed})`;
  const rows: readonly (readonly [label: string, texts: readonly string[]])[] = [
    ["Name", [metadata.name]],
    ["Namespace", [metadata.namespace]],
    ["Kind", [object.kind]],
    ["Labels", pairs(metadata.labels)],
    ["Annotations", pairs(annotations)],
    ["Origin", [sourceText(object, cwd)]],
    ...(rolledBack === undefined ? [] : [["Rolled back", [rolledBackText(object)]] as const]),
    ["Generation", [`${metadata.generation}${seen}`]],
    ["UID", [metadata.uid]],
    ["Created", [sinceText(metadata.creationTimestamp, now)]],
    ...(metadata.deletionTimestamp === undefined
      ? []
      : [["Deleted", [sinceText(metadata.deletionTimestamp, now)]] as const]),
    ["Finalizers", metadata.finalizers?.length ? metadata.finalizers : ["none"]],
    ["Ready", [readyText(shown)]],
    ["Status", [reason, ...(message === "" ? [] : [message])]],
    ...(loop === undefined ? [] : [["Loop", loopTexts(loop, now)] as const]),
  ];
  return rows.flatMap(([label, texts]) => labelled(label, texts, width));
}

function labelled(label: string, texts: readonly string[], width: number): readonly string[] {
  const lines = texts.flatMap((text) => wrapText(text, width - LABEL_WIDTH));
  return lines.map(
    (line, index) => `${(index === 0 ? `${label}:` : "").padEnd(LABEL_WIDTH)}${line}`,
  );
}

function pairs(values: Readonly<Record<string, string>> = {}): readonly string[] {
  const texts = Object.entries(values).map(([key, value]) => `${key}=${value}`);
  return texts.length === 0 ? ["none"] : texts;
}

/** `agents.d/reviewer.yaml, document 2, applied by roots`. */
function sourceText(object: ApiObject, cwd: string): string {
  const { origin } = object.metadata;
  if (origin === undefined) return "none";
  if (origin.file === "") return `applied by ${origin.source}`;
  const file = originText(object, { cwd }).replace(/#(\d+)$/, ", document $1");
  return file.startsWith(`${origin.source}: `) ? file : `${file}, applied by ${origin.source}`;
}

/** What the loop of an agent is at. */
function loopTexts({ phase, turn, queued }: JsonObject, now: number): readonly string[] {
  const waiting = `${phase}, ${count(Number(queued), "message")} waiting`;
  if (!isObject(turn)) return [waiting];
  const age = ageText(now - Date.parse(String(turn.startedAt)));
  return [
    waiting,
    `turn of generation ${turn.generation} for ${age}, message ${turn.message}, run ${turn.run}`,
  ];
}

/** Until when a rollback stands. */
function rolledBackText(object: ApiObject): string {
  return `yes, until ${isDeclared(object) ? "the manifest changes" : "the next apply"}`;
}

function sinceText(at: string, now: number): string {
  return `${at} (${ageText(now - Date.parse(at))} ago)`;
}

/** Long texts of the spec end with a note that says how to see the rest. */
function shortened(value: unknown): unknown {
  if (typeof value === "string") {
    const lines = value.trimEnd().split("\n");
    const hidden = lines.length - TEXT_LINES_MAX;
    if (hidden <= 0) return value;
    return [...lines.slice(0, TEXT_LINES_MAX), `(${hidden} more lines: -o yaml)`].join("\n");
  }
  if (Array.isArray(value)) return value.map(shortened);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, shortened(field)]));
}

/** A line of YAML, broken at spaces, with the margin that it begins with. */
function wrapped(line: string, width: number): readonly string[] {
  const margin = MARGIN + (/^ */.exec(line)?.[0] ?? "");
  return wrapText(line.trim(), Math.max(20, width - margin.length)).map(
    (part) => `${margin}${part}`,
  );
}

function conditionLines(
  object: ApiObject,
  { width, now, hasDaemon }: DescribeOptions,
): readonly string[] {
  const { conditions = [] } = object.status;
  const title = hasDaemon ? "Conditions:" : "Conditions, as the last daemon left them:";
  if (conditions.length === 0) {
    return ["Conditions:", `${MARGIN}none: no daemon has looked at it yet`];
  }
  const rows = conditions.flatMap((condition) => {
    const { type, status, reason, message, lastTransitionTime, observedGeneration } = condition;
    const age = ageText(now - Date.parse(lastTransitionTime));
    const head = `${MARGIN}${type.padEnd(13)}${status.padEnd(9)}${reason}, generation ${observedGeneration}, for ${age}`;
    return [head, ...wrapText(message, width - 6).map((line) => `      ${line}`)];
  });
  return [title, ...rows];
}

function managerLines(
  { metadata: { managers = {} } }: ApiObject,
  width: number,
): readonly string[] {
  const rows = Object.entries(managers).flatMap(([manager, fields]) =>
    wrapText(`${manager}: ${fields} ${fields === 1 ? "field" : "fields"}`, width - 2),
  );
  return ["Managers:", ...(rows.length === 0 ? ["none"] : rows).map((row) => `${MARGIN}${row}`)];
}

function revisionLine(
  { generation, at, manager }: Revision,
  object: ApiObject,
  now: number,
): string {
  const mark = generation === object.metadata.generation ? " (present)" : "";
  const age = ageText(now - Date.parse(at));
  return `${MARGIN}generation ${generation}${mark}, ${age} ago, by ${manager}`;
}

function eventLines(
  events: readonly DaemonEvent[] | undefined,
  { width, now }: DescribeOptions,
): readonly string[] {
  if (events === undefined) return ["Events:", `${MARGIN}unknown: no daemon runs here`];
  const rows = events.flatMap((event) => {
    const line = eventLine(event);
    if (line === undefined) return [];
    const head = `${ageText(now - Date.parse(event.at)).padEnd(5)}${isWarning(event) ? "Warning " : ""}`;
    const [first = "", ...rest] = wrapText(line.trim(), width - head.length - 2);
    return [`${MARGIN}${head}${first}`, ...rest.map((part) => `${MARGIN}     ${part}`)];
  });
  return ["Events:", ...(rows.length === 0 ? [`${MARGIN}none`] : rows)];
}
