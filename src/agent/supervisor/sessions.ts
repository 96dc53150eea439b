import type { Session } from "../session.ts";
import { forgetIfUnused } from "./lanes.ts";
import type { Lane, Supervision } from "./loop.ts";
import { ABORT_MS, later, settledWithin } from "./waiting.ts";

/** How long a conversation that waits keeps its sandbox; the variables stay. */
export const REST_MS = 60_000;
/** How long it then keeps its messages in memory; those on record stay. */
export const FORGET_MS = 600_000;

/** Conversations that wait and keep something in memory, of all agents together. */
export const RESTING_MAX = 64;

/** The session of a lane: the one that it has, or what is on record. One that cannot be opened is tried again by the next turn. */
export function sessionOf({ sessionOf: open }: Supervision, lane: Lane): Promise<Session> {
  if (lane.session !== undefined) return lane.session;
  const { loop, conversation } = lane;
  const opening = open(loop.uid, conversation, loop.policy.maxMessages);
  lane.session = opening;
  opening.catch(() => {
    if (lane.session === opening) lane.session = undefined;
  });
  return opening;
}

/** Gives the sandbox of a conversation back. It never rejects, and waits only so long for one that does not close. */
export async function giveBack({ timers, onError }: Supervision, lane: Lane): Promise<void> {
  const { session, loop } = lane;
  if (session === undefined) return;
  const closed = session
    .then((opened) => opened.close())
    .catch((error: unknown) => onError(error, loop.key));
  await settledWithin(timers, ABORT_MS, closed);
}

/** Gives the sandbox back when the conversation has had nothing to do for a while, and its messages after a longer one, or when too many others wait as well. */
export function rest(supervision: Supervision, lane: Lane): void {
  const { closing, timers, resting } = supervision;
  if (closing.signal.aborted || lane.loop.isEnding) return;
  const wait = (ms: number, then: () => void) => {
    const cancel = later(timers, ms, then);
    resting.add(lane);
    lane.stopResting = () => {
      lane.stopResting = undefined;
      resting.delete(lane);
      cancel();
    };
  };
  wait(REST_MS, () => {
    void giveBack(supervision, lane);
    wait(FORGET_MS, () => forgetSession(supervision, lane));
  });
  const [oldest] = resting;
  if (resting.size > RESTING_MAX && oldest !== undefined) forgetSession(supervision, oldest);
}

function forgetSession(supervision: Supervision, lane: Lane): void {
  lane.stopResting?.();
  dropSession(supervision, lane);
  forgetIfUnused(lane);
}

/** Takes the conversation out of memory: after a turn that left it half done the record is what counts. */
export function dropSession(supervision: Supervision, lane: Lane): void {
  void giveBack(supervision, lane);
  lane.session = undefined;
}

/** Has the conversation ended between two turns; resolves with whether there was anything on record. */
export function restartLane(supervision: Supervision, lane: Lane): Promise<boolean> {
  lane.restarting ??= Promise.withResolvers();
  const { promise } = lane.restarting;
  if (lane.working === undefined) release(supervision, lane);
  return promise;
}

/** Lets a lane that has nothing at hand go on: with the restart that was asked for, else with what waits. */
export function release(supervision: Supervision, lane: Lane): void {
  const isAsked = lane.restarting !== undefined;
  lane.working = isAsked
    ? restartIfAsked(supervision, lane).then(() => release(supervision, lane))
    : undefined;
  // While it restarts it does not wait for a turn.
  supervision.wake(lane);
  if (!isAsked) forgetIfUnused(lane);
}

/** Ends the conversation of a lane that was asked to. It never rejects: who asked hears of what failed. */
export async function restartIfAsked(supervision: Supervision, lane: Lane): Promise<void> {
  const { restarting, loop, conversation } = lane;
  if (restarting === undefined) return;
  lane.stopResting?.();
  lane.restarting = undefined;
  const { journal } = supervision;
  await giveBack(supervision, lane);
  lane.session = undefined;
  await journal
    .forgetConversation(loop.uid, conversation)
    .then(restarting.resolve, restarting.reject);
}
