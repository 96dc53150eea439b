import type { LegionError } from "../../lib/errors.ts";
import type { Drained } from "../supervision.ts";
import { endedByDeletion, notAnswered, shuttingDown } from "./answers.ts";
import { isAtRest, stopTimers, wakeAll } from "./lanes.ts";
import { abortTurns } from "./lifecycle.ts";
import { type Loop, queuedIn, type Supervision } from "./loop.ts";
import { giveBack, restartIfAsked } from "./sessions.ts";
import { dropWaiting } from "./settling.ts";
import { ABORT_MS, settledWithin } from "./waiting.ts";

/** How long a turn that was aborted may take until also its outcome is written. */
export const END_MS = 2 * ABORT_MS;

/** Ends the loop of a deleted agent: it answers what it has taken for as long as the grace time lasts. What nothing can be done about now is not waited for. */
export async function drain(
  supervision: Supervision,
  loop: Loop,
  graceMs: number,
): Promise<Drained> {
  const { timers, closing } = supervision;
  loop.stopHeartbeat?.();
  loop.stopAging?.();
  const answered = allAnswered(supervision, loop);
  // One whose end failed half way does not begin again.
  const isDone = !loop.isOver && (await settledWithin(timers, graceMs, answered, closing.signal));
  loop.onRest = undefined;
  loop.isOver = true;
  wakeAll(supervision, loop);
  const reason = endedByDeletion(loop.key, graceMs);
  // Where the process ends, it is the process that says how long the turn may go on.
  const isCancelled = closing.signal.aborted
    ? await endTurns(supervision, loop, graceMs, reason)
    : await abortAll(supervision, loop, reason);
  const isEmpty = isDone && queuedIn(loop) === 0;
  const dropped = isEmpty ? 0 : await dropWaiting(supervision, loop, notAnswered(loop.key));
  await closeLanes(supervision, loop);
  return { isCancelled, dropped };
}

/** Resolves when no turn runs and none can begin. What is being written now was accepted before, and counts. */
async function allAnswered(supervision: Supervision, loop: Loop): Promise<void> {
  await Promise.allSettled([loop.ready, ...loop.puts]);
  const { promise, resolve } = Promise.withResolvers<void>();
  loop.onRest = resolve;
  wakeAll(supervision, loop);
  if (isAtRest(loop)) resolve();
  await promise;
}

/** Ends all turns, and tells those who wait for an answer that it comes later. */
export async function closeAll(supervision: Supervision, graceMs: number): Promise<void> {
  const { askers, loops, untilAllWait } = supervision;
  const isOver = new AbortController();
  const allWait = untilAllWait?.(isOver.signal);
  await Promise.all(
    [...loops.values()].map(async (loop) => {
      // What a deleted agent does is not gone on with later, so it has all of its time.
      if (loop.isEnding)
        await endTurns(supervision, loop, graceMs, endedByDeletion(loop.key, graceMs));
      else await endTurns(supervision, loop, graceMs, shuttingDown(), allWait);
      await Promise.allSettled([loop.draining]);
      await closeLanes(supervision, loop);
    }),
  );
  isOver.abort();
  for (const waiting of askers.values()) {
    for (const asker of waiting) asker.reject(shuttingDown());
  }
  askers.clear();
}

async function closeLanes(supervision: Supervision, loop: Loop): Promise<void> {
  stopTimers(loop);
  await Promise.all(
    loop.lanes.values().map(async (lane) => {
      await restartIfAsked(supervision, lane);
      await giveBack(supervision, lane);
    }),
  );
}

/** Waits for the turns of a loop, aborts them after the grace time or when there is nothing to wait for, and says whether that was needed. */
async function endTurns(
  supervision: Supervision,
  loop: Loop,
  graceMs: number,
  reason: LegionError,
  enough?: Promise<void>,
): Promise<boolean> {
  const working = workOf(loop);
  if (working === undefined) return false;
  const ended = working.then(() => true);
  const first = enough === undefined ? ended : Promise.race([ended, enough.then(() => false)]);
  const isOver = await settledWithin(supervision.timers, graceMs, first);
  if (isOver && (await first)) return false;
  return abortAll(supervision, loop, reason);
}

/** Aborts the turns of a loop, and says whether there was one. */
async function abortAll(
  { timers }: Supervision,
  loop: Loop,
  reason: LegionError,
): Promise<boolean> {
  const working = workOf(loop);
  const aborted = abortTurns(loop, reason);
  if (working !== undefined) await settledWithin(timers, END_MS, working);
  return aborted > 0;
}

/** What the lanes of a loop are at; undefined when that is nothing. */
function workOf({ lanes }: Loop): Promise<unknown> | undefined {
  const working = [...lanes.values()].flatMap((lane) => lane.working ?? []);
  return working.length === 0 ? undefined : Promise.all(working);
}
