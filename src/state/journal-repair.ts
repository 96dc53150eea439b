import type { NewRun } from "./journal.ts";
import { bodyOf, quarantined, ROW_DAMAGED } from "./journal-check.ts";
import type { JournalRows, RunRow } from "./journal-rows.ts";
import { stepCondition } from "./journal-sums.ts";

/**
 * Puts runs whose rows are damaged in quarantine, as what their first steps say that they are: so that their keys are
 * still known, and nothing of theirs is begun a second time. To be called in a transaction. Gives the runs.
 */
export function repairRuns(rows: JournalRows, damaged: readonly RunRow[], nowMs: number): string[] {
  for (const row of damaged) {
    const isKnown = identified(rows, row.run) !== undefined || !rows.hasSteps(row.run);
    if (isKnown) rows.removeRow(row);
    else rows.update(quarantined(row, ROW_DAMAGED, nowMs));
  }
  const repaired: string[] = [];
  for (const run of rows.withoutRow()) {
    const identity = identified(rows, run);
    if (identity === undefined) continue;
    const { startedMs, steps } = identity;
    const row = { ...identity.run, status: "running", startedMs, steps, tokens: 0 } as const;
    rows.insert(quarantined({ ...row, position: 0 }, ROW_DAMAGED, nowMs));
    repaired.push(run);
  }
  return repaired;
}

/** What the first step of a run says that it is, when that step is whole. */
function identified(rows: JournalRows, run: string) {
  const first = rows.step(run, 1);
  if (first === undefined || stepCondition(first) !== "whole") return undefined;
  const identity = bodyOf(first.body).run as unknown as NewRun;
  return { run: identity, startedMs: first.atMs, steps: rows.steps(run).length };
}
