import { newId } from "../../lib/ids.ts";
import { cancelled, interruptedBy } from "./answers.ts";
import { type Lane, type Loop, laneOf, type Supervision } from "./loop.ts";
import { endRun } from "./runs.ts";
import { forgetVault, settle } from "./settling.ts";

/** Cancels a run of an agent: its turn, or where it waits for its next delivery, the message with the run. False when there is none of it here. */
export async function cancelRun(supervision: Supervision, run: string): Promise<boolean> {
  const { journal, loops } = supervision;
  if (abort(loops.values(), (told) => told.run === run)) return true;
  const record = await journal.run(run);
  const { status, message, uid } = record ?? {};
  const loop = loops.values().find((each) => each.uid === uid);
  if (record === undefined || status !== "running" || message === undefined || loop === undefined)
    return false;
  // It may be about to begin, under a number that is not yet known.
  if (abort([loop], (told) => told.message === message)) return true;
  await cancelWaiting(supervision, laneOf(loop, record.conversation), message, run);
  return true;
}

/** Takes a message of a lane back: its turn is cancelled, or it ends where it waits. False when it has ended, or is a dead letter. */
export async function cancelMessage(
  supervision: Supervision,
  lane: Lane,
  message: string,
): Promise<boolean> {
  const isMeant: Parameters<typeof abort>[1] = (told) => told.message === message;
  if (abort([lane.loop], isMeant)) return true;
  const open = (await supervision.journal.unfinished()).find((run) => run.message === message);
  // Its turn may have begun meanwhile. Nothing is waited for between this look and the end of the message.
  if (abort([lane.loop], isMeant)) return true;
  return cancelWaiting(supervision, lane, message, open?.run);
}

function abort(
  loops: Iterable<Loop>,
  isMeant: (told: { readonly run: string; readonly message: string }) => boolean,
): boolean {
  for (const loop of loops) {
    const lane = loop.lanes.values().find(({ turn }) => turn !== undefined && isMeant(turn.told));
    if (lane?.turn === undefined) continue;
    lane.turn.abort.abort(interruptedBy(loop.key));
    return true;
  }
  return false;
}

/** Ends a message that waits, with its run where one was begun; false when it does not wait. */
async function cancelWaiting(
  supervision: Supervision,
  lane: Lane,
  message: string,
  open: string | undefined,
): Promise<boolean> {
  const { inbox, vaults, journal, clock } = supervision;
  const { loop } = lane;
  const { generation } = loop.agent;
  const run = open ?? newId(clock.now());
  const error = interruptedBy(loop.key).toJSON();
  const result = cancelled(loop.agent, "interrupted", error, { run });
  // A lane that is looking for its next may have read this one.
  lane.takenBack.add(message);
  // A dead letter stays one, and begins anew when it is put back.
  const isFinished = await inbox.finish(message, { generation, result });
  if (isFinished) {
    settle(supervision, message, generation, result);
    await forgetVault(vaults, message);
    loop.triggers.delete(message);
    lane.queued = Math.max(0, lane.queued - 1);
    // What it held back of its sender may be due by now.
    lane.stopDue?.();
  } else lane.takenBack.delete(message);
  if (open !== undefined) await endRun(journal, run, result);
  supervision.changed(loop);
  supervision.wake(lane);
  return isFinished;
}
