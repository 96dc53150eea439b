import type { RunRecord } from "../../state/journal.ts";
import { cancelled, interruptedBy } from "./answers.ts";
import { recount } from "./lanes.ts";
import { type Loop, laneOf, type Supervision } from "./loop.ts";
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
  await cancelWaiting(supervision, loop, { ...record, message });
  return true;
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

async function cancelWaiting(
  supervision: Supervision,
  loop: Loop,
  { run, message, generation, conversation }: RunRecord & { readonly message: string },
): Promise<void> {
  const { inbox, vaults, journal } = supervision;
  const error = interruptedBy(loop.key).toJSON();
  const result = cancelled(loop.agent, "interrupted", error, { run });
  // A dead letter stays one, and begins anew when it is put back.
  if (await inbox.finish(message, { generation, result })) {
    settle(supervision, message, generation, result);
    await forgetVault(vaults, message);
  }
  await endRun(journal, run, result);
  await recount(supervision, laneOf(loop, conversation));
}
