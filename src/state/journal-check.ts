import type { JsonObject } from "../lib/json.ts";
import type { JournalStep, NewRun, StepType } from "./journal.ts";
import { identityOf, type ReadRun, type RunRow } from "./journal-rows.ts";
import { type StepRow, stepCondition } from "./journal-sums.ts";

/** What the steps of a run are found to be. */
export type Finding =
  | { readonly type: "whole" }
  /** The newest record was written short; `at` of its `bytes` are there. */
  | { readonly type: "torn"; readonly seq: number; readonly at: number; readonly bytes: number }
  | { readonly type: "damaged"; readonly reason: string };

export const ROW_DAMAGED = "its row in the list of runs is damaged";

/**
 * Looks at each step of a run. Only the newest one of a run that goes on can be torn: whatever was written before it,
 * and the end of a run, was on disk when something was done after it.
 */
export function examine(row: RunRow, steps: readonly StepRow[]): Finding {
  for (const [index, step] of steps.entries()) {
    const seq = index + 1;
    if (step.seq !== seq) return damaged(`step ${seq} is missing`);
    const condition = stepCondition(step);
    const isNewest = seq === steps.length && seq === row.steps && row.status === "running";
    if (condition === "torn" && isNewest) {
      return { type: "torn", seq, at: step.body.length, bytes: step.bytes };
    }
    if (condition !== "whole") return damaged(`step ${seq} is damaged`);
  }
  return steps.length === row.steps
    ? { type: "whole" }
    : damaged(`${steps.length} steps are there, and ${row.steps} were written`);
}

function damaged(reason: string): Finding {
  return { type: "damaged", reason };
}

/** A run of which nobody can tell what it has done. */
export function quarantined(row: RunRow, reason: string, nowMs: number): RunRow {
  return { ...row, status: "quarantined", reason, endedMs: row.endedMs ?? nowMs };
}

/** The run, with a row that is damaged shown as what it is. */
export function trusted({ row, isWhole }: ReadRun, nowMs: number): RunRow {
  return isWhole ? row : quarantined(row, ROW_DAMAGED, nowMs);
}

/** The body of a step. The first one says also which run it is, for the case that the row of the run is damaged. */
export function encodeStep(data: JsonObject, run?: NewRun): Buffer {
  const text = JSON.stringify(run === undefined ? data : { run: identityOf(run), data });
  return Buffer.from(text);
}

export function decodeStep({ seq, atMs, type, body }: StepRow): JournalStep {
  const value = bodyOf(body);
  const data = seq === 1 ? (value.data as JsonObject) : value;
  return { seq, at: new Date(atMs).toISOString(), type: type as StepType, data };
}

/** The value of a body that is whole. */
export function bodyOf(body: Uint8Array): JsonObject {
  return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
}
