import type { Database, SqlRow, SqlValue } from "./database.ts";
import type { NewRun, RunQuery, RunRecord, RunStatus } from "./journal.ts";
import { RUNS_PAGE } from "./journal.ts";
import { fieldsSum, type StepRow, stepSum } from "./journal-sums.ts";

/** As floating point: a damaged integer may be larger than what a number holds exactly, and reading it would fail. */
const real = (column: string) => `CAST(${column} AS REAL) AS ${column}`;
const RUN = `${["position", "generation", "started_ms", "ended_ms", "steps", "tokens"].map(real).join(", ")},
  run, uid, agent, conversation, message, parent, key, status, reason, sum`;
const STEP = `${["seq", "at_ms", "bytes"].map(real).join(", ")}, run, type, body, sum`;

/** A run as it is on disk. */
export interface RunRow extends NewRun {
  readonly position: number;
  readonly status: RunStatus;
  readonly reason?: string;
  readonly startedMs: number;
  readonly endedMs?: number;
  readonly steps: number;
  readonly tokens: number;
}

/** A row that was read, and whether it is as it was written. */
export interface ReadRun {
  readonly row: RunRow;
  readonly isWhole: boolean;
}

/** The rows of runs and steps. Calls are synchronous; those that write are made inside a transaction. */
export interface JournalRows {
  find(run: string): ReadRun | undefined;
  ofKey(key: string): ReadRun | undefined;
  /** Newest first. */
  list(query: RunQuery): ReadRun[];
  running(): ReadRun[];
  ofMessage(message: string): ReadRun[];
  ofParent(parent: string): ReadRun[];
  /** Ids that have a first step and no row. */
  withoutRow(): string[];
  insert(row: Omit<RunRow, "position">): RunRow;
  update(row: RunRow): void;
  /** With all that belongs to it. */
  remove(run: string): void;
  /** The row alone, which may be damaged. */
  removeRow(row: RunRow): void;
  insertStep(step: Omit<StepRow, "sum">): void;
  removeStep(run: string, seq: number): void;
  step(run: string, seq: number): StepRow | undefined;
  steps(run: string): StepRow[];
  hasSteps(run: string): boolean;
}

/** The rows of one database. */
export function journalRows(database: Database): JournalRows {
  const run = database.query;
  const rows = (sql: string, ...values: SqlValue[]) => run(sql, ...values).map(runOf);
  const steps = (sql: string, ...values: SqlValue[]) => run(sql, ...values).map(stepOf);
  return {
    find: (id) => rows(`SELECT ${RUN} FROM runs WHERE run = ?`, id)[0],
    ofKey: (key) => rows(`SELECT ${RUN} FROM runs WHERE key = ?`, key)[0],
    list: (query) => {
      const { where, values } = narrowed(query);
      const limit = query.limit ?? RUNS_PAGE;
      return rows(
        `SELECT ${RUN} FROM runs WHERE ${where} ORDER BY runs.position DESC LIMIT ?`,
        ...values,
        limit,
      );
    },
    running: () => rows(`SELECT ${RUN} FROM runs WHERE status = 'running' ORDER BY runs.position`),
    ofMessage: (message) => rows(`SELECT ${RUN} FROM runs WHERE message = ?`, message),
    ofParent: (parent) => rows(`SELECT ${RUN} FROM runs WHERE parent = ?`, parent),
    withoutRow: () =>
      run("SELECT run FROM steps WHERE seq = 1 EXCEPT SELECT run FROM runs").map((row) =>
        String(row.run),
      ),
    insert: (row) => {
      const next = run("SELECT COALESCE(MAX(position), 0) + 1 AS next FROM runs")[0]?.next;
      const kept = { ...row, position: Number(next) };
      run(`INSERT INTO runs VALUES (${"?, ".repeat(15)}?)`, ...columnsOf(kept), runSum(kept));
      return kept;
    },
    update: (row) =>
      void run(
        `UPDATE runs SET (position, run, uid, agent, generation, conversation, message, parent, key, status,
          reason, started_ms, ended_ms, steps, tokens, sum) = (${"?, ".repeat(15)}?) WHERE run = ?`,
        ...columnsOf(row),
        runSum(row),
        row.run,
      ),
    remove: (id) => {
      run("DELETE FROM steps WHERE run = ?", id);
      run("DELETE FROM blob_uses WHERE run = ?", id);
      run("DELETE FROM runs WHERE run = ?", id);
    },
    removeRow: ({ position, run: id }) =>
      void run("DELETE FROM runs WHERE run = ? OR position = ?", id, position),
    insertStep: (step) => {
      const { seq, atMs, type, bytes, body } = step;
      const values = [step.run, seq, atMs, type, bytes, body, stepSum(step)];
      run("INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?)", ...values);
    },
    removeStep: (id, seq) => void run("DELETE FROM steps WHERE run = ? AND seq = ?", id, seq),
    step: (id, seq) => steps(`SELECT ${STEP} FROM steps WHERE run = ? AND seq = ?`, id, seq)[0],
    steps: (id) => steps(`SELECT ${STEP} FROM steps WHERE run = ? ORDER BY steps.seq`, id),
    hasSteps: (id) => run("SELECT 1 FROM steps WHERE run = ? LIMIT 1", id).length > 0,
  };
}

/** A run as others see it. */
export function recordOf({ position: _, startedMs, endedMs, ...row }: RunRow): RunRecord {
  return {
    ...row,
    startedAt: new Date(startedMs).toISOString(),
    ...(endedMs !== undefined && { endedAt: new Date(endedMs).toISOString() }),
  };
}

/** What a run is known by, without how it went. */
export function identityOf(run: NewRun): NewRun {
  const { uid, agent, generation, conversation, message, parent, key } = run;
  return {
    run: run.run,
    ...{ uid, agent, generation, conversation },
    ...(message !== undefined && { message }),
    ...(parent !== undefined && { parent }),
    ...(key !== undefined && { key }),
  };
}

function narrowed(query: RunQuery) {
  const fields = (["uid", "agent", "status", "parent"] as const).filter(
    (field) => query[field] !== undefined,
  );
  return {
    where: fields.map((field) => `${field} = ?`).join(" AND ") || "TRUE",
    values: fields.map((field) => query[field] ?? ""),
  };
}

function columnsOf(row: RunRow): (string | number | null)[] {
  return [
    row.position,
    row.run,
    row.uid,
    row.agent,
    row.generation,
    row.conversation,
    row.message ?? null,
    row.parent ?? null,
    row.key ?? null,
    row.status,
    row.reason ?? null,
    row.startedMs,
    row.endedMs ?? null,
    row.steps,
    row.tokens,
  ];
}

function runSum(row: RunRow): string {
  return fieldsSum(columnsOf(row));
}

function runOf(columns: SqlRow): ReadRun {
  const { message, parent, key, reason, ended_ms } = columns;
  const row: RunRow = {
    position: Number(columns.position),
    run: String(columns.run),
    uid: String(columns.uid),
    agent: String(columns.agent),
    generation: Number(columns.generation),
    conversation: String(columns.conversation),
    ...(message !== null && { message: String(message) }),
    ...(parent !== null && { parent: String(parent) }),
    ...(key !== null && { key: String(key) }),
    status: String(columns.status) as RunStatus,
    ...(reason !== null && { reason: String(reason) }),
    startedMs: Number(columns.started_ms),
    ...(ended_ms !== null && { endedMs: Number(ended_ms) }),
    steps: Number(columns.steps),
    tokens: Number(columns.tokens),
  };
  return { row, isWhole: runSum(row) === columns.sum };
}

function stepOf({ run, seq, at_ms, type, bytes, body, sum }: SqlRow): StepRow {
  return {
    run: String(run),
    seq: Number(seq),
    atMs: Number(at_ms),
    type: String(type),
    bytes: Number(bytes),
    body: body as Uint8Array,
    sum: String(sum),
  };
}
