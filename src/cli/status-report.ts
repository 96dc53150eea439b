import { count, forTerminal } from "../lib/text.ts";
import type { DaemonStatus, Problem, SourceStatus } from "../reconcile/contract.ts";
import { style } from "./error-text.ts";
import { wrap } from "./help.ts";
import { plural } from "./references.ts";
import { type Cell, renderTable } from "./table.ts";
import type { OutputStream } from "./terminal-width.ts";

const WIDTH = 80;
/** As much of a digest or a commit as people compare. */
const REVISION_CHARS = 12;
/** Errors in the manifests of a source that are shown; the rest is counted. */
const DIAGNOSTICS_MAX = 5;
/** Problems that are shown; the rest is counted. */
const PROBLEMS_MAX = 50;

const healthStyles = {
  starting: "yellow",
  ok: "green",
  degraded: "yellow",
  draining: "yellow",
} as const;

/** How a daemon stands, for people: its health first, then what it reads, what it runs, and everything that is not as it should be. */
export function statusText(status: DaemonStatus, nowMs: number, stream: OutputStream): string {
  const { health, problems, sources } = status;
  const blocks = [
    style([healthStyles[health], "bold"], headOf(status), stream),
    factsOf(status, nowMs).join("\n"),
    objectTable(status, stream).trimEnd(),
    sourceTable(sources, nowMs, stream).trimEnd(),
    sources.flatMap((source) => diagnosticLines(source)).join("\n"),
    problemLines(
      "PROBLEMS",
      problems.filter(({ isNote }) => isNote !== true),
      stream,
    ).join("\n"),
    problemLines(
      "NOTES",
      problems.filter(({ isNote }) => isNote === true),
      stream,
    ).join("\n"),
  ];
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

/** `ok: 12 of 12 objects ready`, `degraded: 11 of 12 objects ready, 1 problem`, `ok: 8 of 9 objects ready, 1 note`. */
function headOf({ health, objects, problems }: DaemonStatus): string {
  const totals = Object.values(objects);
  const sum = (part: "ready" | "total") => totals.reduce((all, row) => all + row[part], 0);
  const notes = problems.filter(({ isNote }) => isNote === true).length;
  const wrong = problems.length - notes;
  return [
    `${health}: ${sum("ready")} of ${count(sum("total"), "object")} ready`,
    ...(wrong === 0 ? [] : [count(wrong, "problem")]),
    ...(notes === 0 ? [] : [count(notes, "note")]),
  ].join(", ");
}

function factsOf(status: DaemonStatus, nowMs: number): readonly string[] {
  const { version, pid, startedAt, socket, address, agents, stateFolder } = status;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["daemon", `legion ${version}, pid ${pid}, up ${since(startedAt, nowMs)}`],
    ["state", stateFolder],
    ["socket", socket],
    ["address", address],
    [
      "agents",
      `${count(agents.loops, "loop")}, ${count(agents.turns, "turn")} running, ${count(agents.queued, "message")} waiting`,
    ],
  ];
  return rows.flatMap(([name, text]) =>
    text === undefined ? [] : [`${name.padEnd(8)} ${forTerminal(text)}`],
  );
}

function objectTable({ objects }: DaemonStatus, stream: OutputStream): string {
  const rows = Object.entries(objects).map(([kind, { ready, total }]): Cell[] => [
    plural(kind),
    { text: `${ready}/${total}`, style: ready === total ? "green" : "yellow" },
  ]);
  return rows.length === 0
    ? ""
    : renderTable([{ title: "kind" }, { title: "ready", align: "right" }], rows, { stream });
}

/** A row for each source: what it reads, which state of it was applied and when, and how often it was wrong. */
export function sourceTable(
  sources: readonly SourceStatus[],
  nowMs: number,
  stream: OutputStream,
): string {
  if (sources.length === 0) return "";
  const columns = [
    { title: "source" },
    { title: "location", isFree: true },
    { title: "objects", align: "right" },
    { title: "applied" },
    { title: "age", align: "right" },
    { title: "reloads", align: "right" },
    { title: "failures", align: "right" },
  ] as const;
  const rows = sources.map((source): Cell[] => {
    const { name, location, objects, applied, digest, lastAppliedAt, reloads, failures } = source;
    const isWrong = hasErrors(source);
    return [
      isWrong ? { text: name, style: "yellow" } : name,
      location,
      String(objects),
      (applied ?? digest ?? "-").slice(0, REVISION_CHARS),
      lastAppliedAt === undefined ? "never" : since(lastAppliedAt, nowMs),
      String(reloads),
      failures > 0 ? { text: String(failures), style: "yellow" } : "0",
    ];
  });
  return renderTable(columns, rows, { stream });
}

/** Whether a source is not as it should be: something in it is not valid, or nothing of it could be applied. */
export function hasErrors({ diagnostics, error }: SourceStatus): boolean {
  return error !== undefined || diagnostics.some(({ severity }) => severity === "error");
}

/** The first errors of the manifests of a source, each with its place. */
function diagnosticLines({ name, diagnostics }: SourceStatus): readonly string[] {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  // A single one is among the problems.
  if (errors.length < 2) return [];
  const lines = errors.slice(0, DIAGNOSTICS_MAX).flatMap((error) => {
    const { code, summary, range, filename = "" } = error;
    const place = range && `${range.filename}:${range.start.line}:${range.start.column}`;
    return wrap(forTerminal(`${place ?? filename}: ${code}: ${summary}`), WIDTH - 2);
  });
  const more = errors.length - DIAGNOSTICS_MAX;
  const rest = more > 0 ? [`and ${count(more, "more", "more")}`] : [];
  return [`ERRORS IN ${forTerminal(name)}`, ...[...lines, ...rest].map((line) => `  ${line}`)];
}

/** Each problem with its reason and, below it, the sentence. */
function problemLines(
  title: string,
  problems: readonly Problem[],
  stream: OutputStream,
): readonly string[] {
  if (problems.length === 0) return [];
  const lines = problems.slice(0, PROBLEMS_MAX).flatMap(({ subject, reason, message }) => [
    `  ${forTerminal(subject)}  ${style("yellow", forTerminal(reason), stream)}`,
    ...forTerminal(message)
      .split("\n")
      .flatMap((line) => wrap(line, WIDTH - 4))
      .map((line) => `    ${line}`),
  ]);
  const more = problems.length - PROBLEMS_MAX;
  return [title, ...lines, ...(more > 0 ? [`  and ${count(more, "more", "more")}`] : [])];
}

function since(time: string, nowMs: number): string {
  return ageText(Math.max(0, nowMs - Date.parse(time)));
}

/** `45s`, `12m`, `5h`, `3d`: a second unit would be more than a table needs. */
function ageText(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
}
