import type { JsonObject } from "../lib/json.ts";
import type { Database } from "./database.ts";
import { beginMessage, type InboxTables } from "./inbox-over-tables.ts";
import { type NewRun, STEP_BYTES_MAX, type StepType } from "./journal.ts";
import type { Blobs } from "./journal-blobs.ts";
import { encodeStep, examine, quarantined, ROW_DAMAGED, trusted } from "./journal-check.ts";
import type { Conversations } from "./journal-conversations.ts";
import { noRun, notRunning, runDamaged, stepTooLarge } from "./journal-errors.ts";
import { repairRuns } from "./journal-repair.ts";
import { identityOf, type JournalRows, type ReadRun, type RunRow } from "./journal-rows.ts";
import type { StepRow } from "./journal-sums.ts";

/** Parents that are remembered. */
const LOOKED_MAX = 10_000;
const ROW_MISSING = "its row in the list of runs is missing";

/** What the parts of a journal share. */
export interface JournalParts {
  readonly database: Database;
  readonly rows: JournalRows;
  readonly blobs: Blobs;
  readonly conversations: Conversations;
  /** The messages that runs answer. */
  readonly inbox: InboxTables;
  /** Runs whose children were looked at. */
  readonly looked: Set<string>;
  /** One transaction now. */
  write<T>(work: () => T): T;
  now(): number;
  warn(message: string): void;
}

/** Keeps a run with its first step, or gives the one that has its key. To be called in a transaction, as all here. */
export function beginRun(parts: JournalParts, run: NewRun, started: JsonObject): RunRow {
  const { rows, now } = parts;
  const body = encodeStep(started, run);
  checkSize("turn.started", body);
  const before = foundRun(parts, run);
  // What goes on with it reads its record next, so it hears now when that is damaged.
  const known = before?.status === "running" ? readChecked(parts, before.run)?.row : before;
  if (known !== undefined && known.status !== "running") return known;
  if (known === undefined && rows.hasSteps(run.run)) throw runDamaged(run.run, ROW_MISSING);
  const message = (known ?? run).message;
  // The next delivery of the message begins with it, also after the process has died.
  if (message !== undefined) beginMessage(parts.inbox, message);
  if (known !== undefined) return known;
  const startedMs = now();
  const kept = { ...identityOf(run), status: "running", startedMs, steps: 1, tokens: 0 } as const;
  keepStep(parts, { run: run.run, seq: 1, atMs: startedMs, type: "turn.started", body }, started);
  return rows.insert(kept);
}

/**
 * The run of that key, else of that id. Its key may be what is damaged in its row: then it is found by the message or the
 * run that it belongs to, and known again by its key.
 */
function foundRun(parts: JournalParts, run: NewRun): RunRow | undefined {
  const { rows, now, warn } = parts;
  const look = () =>
    (run.key === undefined ? undefined : rows.ofKey(run.key)) ?? rows.find(run.run);
  const found = look();
  const damaged = (found === undefined ? relatives(parts, run) : [found]).filter(
    ({ isWhole }) => !isWhole,
  );
  if (damaged.length === 0) return found?.row;
  const repaired = repairRuns(
    rows,
    damaged.map(({ row }) => row),
    now(),
  );
  for (const id of repaired) warn(`the run ${id} is in quarantine: ${ROW_DAMAGED}`);
  const again = look();
  return again && trusted(again, now());
}

/** Runs of the same message, and once in the life of the process those of the same parent. */
function relatives(
  { rows, looked }: JournalParts,
  { message, parent }: NewRun,
): readonly ReadRun[] {
  const siblings = parent === undefined || looked.has(parent) ? [] : rows.ofParent(parent);
  if (looked.size >= LOOKED_MAX) looked.clear();
  if (parent !== undefined) looked.add(parent);
  return [...siblings, ...(message === undefined ? [] : rows.ofMessage(message))];
}

/** Keeps the next step of a run and gives its number. */
export function appendStep(
  parts: JournalParts,
  run: string,
  type: StepType,
  data: JsonObject,
): number {
  const row = present(parts, run);
  checkTakes(row, type);
  return appendTo(parts, row, type, data).steps;
}

/** Keeps the next step of a run, with what changes in its row. */
export function appendTo(
  parts: JournalParts,
  row: RunRow,
  type: StepType,
  data: JsonObject,
  change: Partial<RunRow> = {},
): RunRow {
  const body = encodeStep(data);
  checkSize(type, body);
  const seq = row.steps + 1;
  keepStep(parts, { run: row.run, seq, atMs: parts.now(), type, body }, data);
  const next = { ...row, ...change, steps: seq };
  parts.rows.update(next);
  return next;
}

function keepStep(
  { rows, blobs }: JournalParts,
  step: Omit<StepRow, "sum" | "bytes">,
  data: JsonObject,
): void {
  rows.insertStep({ ...step, bytes: step.body.length });
  blobs.use(step.run, data);
}

/** The row of a run that is there and not damaged. */
export function present({ rows }: JournalParts, run: string): RunRow {
  const read = rows.find(run);
  if (read === undefined) throw noRun(run);
  if (!read.isWhole) throw runDamaged(run);
  if (read.row.status === "quarantined") throw runDamaged(run, read.row.reason);
  return read.row;
}

/** Steps come while a run goes on; what is undone comes after its end. */
export function checkTakes({ run, status }: RunRow, type: StepType): void {
  const isRunning = status === "running";
  if (isRunning === (type === "call.reverted")) throw notRunning(run, status, type);
}

export function checkSize(type: StepType, body: Buffer): void {
  if (body.length > STEP_BYTES_MAX) throw stepTooLarge(type, body.length);
}

/**
 * Reads a run and looks at each of its records. A newest one that is torn is dropped, as if it had not been written; any
 * other damage puts the run in quarantine.
 */
export function readChecked(
  parts: JournalParts,
  run: string,
): { readonly row: RunRow; readonly steps: readonly StepRow[] } | undefined {
  const { rows, now, warn } = parts;
  const read = rows.find(run);
  if (read === undefined && rows.hasSteps(run)) throw runDamaged(run, ROW_MISSING);
  if (read === undefined) return undefined;
  const row = trusted(read, now());
  const steps = rows.steps(run);
  const finding = row.status === "quarantined" ? undefined : examine(row, steps);
  if (finding === undefined || finding.type === "whole") return { row, steps };
  if (finding.type === "damaged") {
    const damaged = quarantined(row, finding.reason, now());
    rows.update(damaged);
    warn(`the run ${run} is in quarantine: ${finding.reason}`);
    return { row: damaged, steps };
  }
  const { seq, at, bytes } = finding;
  const where = `step ${seq} of the run ${run}, is torn at byte ${at} of ${bytes}`;
  warn(`the newest record, ${where}: it is dropped, as if it had not been written`);
  rows.removeStep(run, seq);
  if (seq === 1) {
    rows.remove(run);
    return undefined;
  }
  const shorter = { ...row, steps: seq - 1 };
  rows.update(shorter);
  return { row: shorter, steps: steps.slice(0, -1) };
}
