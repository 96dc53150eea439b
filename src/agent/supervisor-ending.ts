import type { LegionError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { beingDeleted, cancelled, endedByDeletion, shuttingDown } from "./supervisor-answers.ts";
import type { Loop, Supervision } from "./supervisor-loop.ts";
import { giveBack, restartIfAsked, settle } from "./supervisor-turn.ts";
import { ABORT_MS, settledWithin } from "./supervisor-waiting.ts";

/** How long a turn that was aborted may take until also its outcome is written. */
const END_MS = 2 * ABORT_MS;

/** Ends the loop of a deleted agent. */
export async function drain(
  supervision: Supervision,
  loop: Loop,
  graceMs: number,
): Promise<"drained" | "cancelled"> {
  await answerWaiting(supervision, loop);
  const wasAborted = await endTurn(supervision, loop, graceMs, endedByDeletion(loop.key, graceMs));
  loop.stopResting?.();
  await restartIfAsked(supervision, loop);
  await giveBack(supervision, loop, loop.session);
  return wasAborted ? "cancelled" : "drained";
}

/** Messages that wait when their agent is deleted are answered; the one of the turn is not among them. */
async function answerWaiting(supervision: Supervision, loop: Loop): Promise<void> {
  const { inbox, changed, clock } = supervision;
  const { agent, uid, key } = loop;
  // What is being written now was accepted before, and its sender waits for an answer too.
  await Promise.allSettled(loop.puts);
  const { generation } = agent;
  const run = newId(clock.now());
  const result = cancelled(agent, "terminated", beingDeleted(key).toJSON(), { run });
  const except = loop.turn?.told.message;
  const dropped = await inbox.drop(uid, { except, answer: () => ({ generation, result }) });
  for (const { id } of dropped) settle(supervision, id, generation, result);
  loop.queued = 0;
  changed(loop);
}

/** Ends all turns, and tells those who wait for an answer that it comes later. */
export async function closeAll(supervision: Supervision, graceMs: number): Promise<void> {
  const { askers, loops } = supervision;
  const all = [...loops.values()];
  await Promise.all(
    all.map(async (loop) => {
      const reason = loop.isEnding ? endedByDeletion(loop.key, graceMs) : shuttingDown();
      await endTurn(supervision, loop, graceMs, reason);
      await Promise.allSettled([loop.draining]);
      loop.stopResting?.();
      await restartIfAsked(supervision, loop);
      await giveBack(supervision, loop, loop.session);
    }),
  );
  for (const asker of askers.values()) asker.reject(shuttingDown());
  askers.clear();
}

/** Waits for the turn of a loop, aborts it after the grace time, and says whether that was needed. */
async function endTurn(
  { timers }: Supervision,
  loop: Loop,
  graceMs: number,
  reason: LegionError,
): Promise<boolean> {
  const { working } = loop;
  if (working === undefined) return false;
  if (await settledWithin(timers, graceMs, working)) return false;
  loop.turn?.abort.abort(reason);
  await settledWithin(timers, END_MS, working);
  return true;
}
