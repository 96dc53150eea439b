import type { LegionError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import type { Drained } from "./supervision.ts";
import { cancelled, endedByDeletion, notAnswered, shuttingDown } from "./supervisor-answers.ts";
import type { Loop, Supervision } from "./supervisor-loop.ts";
import { giveBack, restartIfAsked, settle } from "./supervisor-turn.ts";
import { ABORT_MS, settledWithin } from "./supervisor-waiting.ts";

/** How long a turn that was aborted may take until also its outcome is written. */
const END_MS = 2 * ABORT_MS;

/** Ends the loop of a deleted agent: it answers what it has taken for as long as the grace time lasts. */
export async function drain(
  supervision: Supervision,
  loop: Loop,
  graceMs: number,
): Promise<Drained> {
  const { timers, closing } = supervision;
  const answered = allAnswered(supervision, loop);
  // One whose end failed half way does not begin again.
  const isDone = !loop.isOver && (await settledWithin(timers, graceMs, answered, closing.signal));
  loop.onAllAnswered = undefined;
  loop.isOver = true;
  supervision.wake(loop);
  const reason = endedByDeletion(loop.key, graceMs);
  // Where the process ends, it is the process that says how long the turn may go on.
  const isCancelled = closing.signal.aborted
    ? await endTurn(supervision, loop, graceMs, reason)
    : await abortTurn(supervision, loop, reason);
  const dropped = isDone ? 0 : await dropWaiting(supervision, loop);
  loop.stopResting?.();
  await restartIfAsked(supervision, loop);
  await giveBack(supervision, loop, loop.session);
  return { isCancelled, dropped };
}

/** Resolves when no turn runs and no message waits. What is being written now was accepted before, and counts. */
async function allAnswered(supervision: Supervision, loop: Loop): Promise<void> {
  await Promise.allSettled([loop.counted, ...loop.puts]);
  const { promise, resolve } = Promise.withResolvers<void>();
  loop.onAllAnswered = resolve;
  supervision.wake(loop);
  await promise;
}

/** Messages that still wait are answered with the reason, and counted; the one of the turn is not among them. */
async function dropWaiting(supervision: Supervision, loop: Loop): Promise<number> {
  const { inbox, changed, clock } = supervision;
  const { agent, uid, key } = loop;
  await Promise.allSettled(loop.puts);
  const { generation } = agent;
  const run = newId(clock.now());
  const result = cancelled(agent, "terminated", notAnswered(key).toJSON(), { run });
  const except = loop.turn?.told.message;
  const dropped = await inbox.drop(uid, { except, answer: () => ({ generation, result }) });
  for (const { id } of dropped) settle(supervision, id, generation, result);
  loop.queued = 0;
  changed(loop);
  return dropped.length;
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
  supervision: Supervision,
  loop: Loop,
  graceMs: number,
  reason: LegionError,
): Promise<boolean> {
  const { working } = loop;
  if (working === undefined) return false;
  if (await settledWithin(supervision.timers, graceMs, working)) return false;
  return abortTurn(supervision, loop, reason);
}

/** Aborts the turn of a loop, and says whether there was one. */
async function abortTurn(
  { timers }: Supervision,
  { working, turn }: Loop,
  reason: LegionError,
): Promise<boolean> {
  turn?.abort.abort(reason);
  if (working !== undefined) await settledWithin(timers, END_MS, working);
  return turn !== undefined;
}
