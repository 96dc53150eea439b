/** What can be done with a run after its end: undo it, do it again from its record. */
import { type Replay, replayRun } from "../agent/journal/replay.ts";
import { type Rollback, rollbackRun } from "../agent/journal/rollback.ts";
import { LegionError } from "../lib/errors.ts";
import type { Journal } from "../state/journal.ts";
import { createToolbox } from "../tools/registry.ts";
import { type KnownRun, readRun, withTools } from "./record.ts";
import { type DurableParts, titleIn } from "./turn.ts";

/** Undoes a run with the tools that it had. */
export async function rollbackOnRecord(
  parts: DurableParts,
  run: string,
  signal: AbortSignal,
): Promise<Rollback> {
  const { options, redactor, toolDeps } = parts;
  const { journal, known } = await recordOf(parts, run);
  const { agent, tools, steps } = known;
  const objects = withTools(options.objectsOf(agent.namespace), tools);
  const redact = redactor.redactKnown;
  const toolbox = await createToolbox(agent, { ...toolDeps(), objects, redact });
  try {
    return await rollbackRun({
      ...{ run, steps, toolbox, redact, signal, status: known.run.status, agent: titleIn(agent) },
      reverted: async (data) => void (await journal.append(run, "call.reverted", data)),
      finished: () => journal.rolledBack(run),
    });
  } finally {
    await toolbox.close();
  }
}

/** Does a run again from its record. */
export async function replayOnRecord(
  parts: DurableParts,
  run: string,
  signal: AbortSignal,
): Promise<Replay> {
  const { agent, steps, surface } = (await recordOf(parts, run)).known;
  const { pool, options } = parts;
  return replayRun({ run, agent, steps, surface, pool, clock: options.clock, signal });
}

async function recordOf(
  { options }: DurableParts,
  id: string,
): Promise<{ readonly journal: Journal; readonly known: KnownRun }> {
  const journal = await options.journal?.();
  const run = await journal?.run(id);
  if (journal !== undefined && run !== undefined)
    return { journal, known: await readRun(journal, run) };
  throw new LegionError({
    code: "LEG6060",
    message: `there is no run ${id}`,
    hint: "run `legion runs` for those that there are",
  });
}
