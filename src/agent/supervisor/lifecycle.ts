import { LegionError } from "../../lib/errors.ts";
import { formatDuration } from "../../lib/quantities.ts";
import type { LifecycleState } from "../../state/lifecycles.ts";
import type { TurnResult } from "../contract.ts";
import type { LoopState, Why } from "../supervision.ts";
import { allStopped, beingDeleted, isTerminated } from "./answers.ts";
import { endingOf, isCutShort, isFault } from "./delivery.ts";
import { wakeAll } from "./lanes.ts";
import { type Loop, type Supervision, stateOf } from "./loop.ts";
import { afterFault, noFaults } from "./restart.ts";
import { dropWaiting } from "./settling.ts";
import { lifecycleEdges, refusedMove } from "./states.ts";
import { isStoreTrouble, later, persistently } from "./waiting.ts";

/** Who moves an agent when its supervisor does. */
const SUPERVISOR = "supervisor";

/** Moves an agent to another state, after the moves that were asked for before. */
export function move(
  supervision: Supervision,
  loop: Loop,
  to: LifecycleState,
  why: Why,
): Promise<LoopState> {
  const moved = loop.moving.then(async () => {
    await loop.ready;
    if (loop.isEnding) throw beingDeleted(loop.key);
    const refused = refusedMove(loop.key, loop.lifecycle.state, to);
    if (refused !== undefined) throw refused;
    await supervision.lifecycles.set({ uid: loop.uid, state: to, ...why });
    await enter(supervision, loop, { state: to, ...why });
    return stateOf(loop);
  });
  loop.moving = moved.catch(() => {});
  return moved;
}

/** What a state that an agent has come to means for its turns and messages. */
async function enter(
  supervision: Supervision,
  loop: Loop,
  lifecycle: LoopState["lifecycle"],
): Promise<void> {
  const { state, reason, actor } = lifecycle;
  loop.lifecycle = lifecycle;
  // Whoever runs again has a clean slate.
  if (state === "running") forgetFaults(loop);
  supervision.changed(loop);
  supervision.notify(
    {
      severity: actor === SUPERVISOR ? "warning" : "normal",
      reason: words[state],
      message: `It is ${state}, by ${actor}: ${reason}.`,
    },
    loop,
  );
  wakeAll(supervision, loop);
  if (state === "terminated") await terminate(supervision, loop);
}

const words = {
  running: "Resumed",
  paused: "Paused",
  stopped: "Stopped",
  terminated: "Terminated",
} as const satisfies Record<LifecycleState, string>;

/** Cancels the turns of a terminated agent, and answers what waits. */
export async function terminate(supervision: Supervision, loop: Loop): Promise<void> {
  const { reason } = loop.lifecycle;
  const error = isTerminated(loop.key, reason === "" ? "" : `: ${reason}`);
  abortTurns(loop, error);
  await persistently(supervision, loop, () => dropWaiting(supervision, loop, error));
}

/** Cancels the turns that run, of one conversation or of all, and says how many there were that nobody had cancelled before. */
export function abortTurns(loop: Loop, reason: LegionError, conversation?: string): number {
  const turns = [...loop.lanes.values()]
    .filter((lane) => conversation === undefined || lane.conversation === conversation)
    .flatMap(({ turn }) => turn ?? [])
    .filter(({ abort }) => !abort.signal.aborted);
  for (const { abort } of turns) abort.abort(reason);
  return turns.length;
}

/** Stops every agent at once, whether or not that can be written yet, and then keeps it. */
export async function stopAll(supervision: Supervision, why: Why): Promise<number> {
  const stops = ({ lifecycle, isEnding }: Loop) =>
    !isEnding && (lifecycleEdges[lifecycle.state] as readonly LifecycleState[]).includes("stopped");
  await Promise.all(supervision.loops.values().map(({ ready }) => ready));
  const all = [...supervision.loops.values()];
  const stopped = all.filter(stops);
  await Promise.all(stopped.map((loop) => enter(supervision, loop, { state: "stopped", ...why })));
  for (const loop of all) abortTurns(loop, allStopped(why));
  await Promise.all(
    stopped.map((loop) => {
      const { uid } = loop;
      const { lifecycles } = supervision;
      const keep = () => lifecycles.set({ uid, state: "stopped", ...why });
      return persistently(supervision, loop, keep, isStoreTrouble);
    }),
  );
  return stopped.length;
}

/** What the end of a turn means for the agent: a fault has it wait or stop, some ends are its own. */
export async function afterTurn(
  supervision: Supervision,
  loop: Loop,
  result: TurnResult,
  signal: AbortSignal,
): Promise<void> {
  if (isCutShort(result, signal)) return;
  if (isFault(result, signal)) return faulted(supervision, loop, result);
  const ending = endingOf(result);
  if (!loop.policy.terminateOn.has(ending)) return;
  const reason = `a turn ended with ${ending}, which spec.terminateOn names`;
  await moveItself(supervision, loop, "terminated", { reason, actor: SUPERVISOR });
}

async function faulted(supervision: Supervision, loop: Loop, result: TurnResult): Promise<void> {
  const { clock, timers, notify } = supervision;
  const after = afterFault(loop.policy.restart, loop.faults, clock.monotonic());
  const fault = result.status === "ok" ? "" : `${result.error.code}: ${result.error.message}`;
  if (after.type === "stop") {
    const message = `It is stopped (${after.reason}) after a turn that failed with ${fault}.`;
    notify({ severity: "warning", reason: "Escalated", message }, loop);
    const why = { reason: after.reason, actor: SUPERVISOR };
    return moveItself(supervision, loop, "stopped", why);
  }
  loop.faults = after.faults;
  if (after.delayMs <= 0) return;
  const message = `A turn failed with ${fault}; the next one begins in ${formatDuration(after.delayMs)}.`;
  notify({ severity: "warning", reason: "BackOff", message }, loop);
  loop.stopBackoff?.();
  const cancel = later(timers, after.delayMs, () => {
    loop.stopBackoff = undefined;
    wakeAll(supervision, loop);
  });
  loop.stopBackoff = () => {
    loop.stopBackoff = undefined;
    cancel();
  };
}

/** Forgets the faults of an agent: its next turn begins at once. */
export function forgetFaults(loop: Loop): void {
  loop.faults = noFaults;
  loop.stopBackoff?.();
}

/** Terminates an agent when its time to live is over. */
export function age(supervision: Supervision, loop: Loop): void {
  loop.stopAging?.();
  const { ttlMs } = loop.policy;
  const bornMs = Date.parse(loop.agent.createdAt);
  if (ttlMs === undefined || Number.isNaN(bornMs)) return;
  const leftMs = Math.max(0, bornMs + ttlMs - supervision.nowMs());
  const cancel = later(supervision.timers, leftMs, () => {
    loop.stopAging = undefined;
    const reason = `its ttl of ${formatDuration(ttlMs)} is over`;
    void moveItself(supervision, loop, "terminated", { reason, actor: "ttl" });
  });
  loop.stopAging = () => {
    loop.stopAging = undefined;
    cancel();
  };
}

/** Moves an agent on the supervisor's own account: where a person was there before, that stands. */
async function moveItself(
  supervision: Supervision,
  loop: Loop,
  to: LifecycleState,
  why: Why,
): Promise<void> {
  try {
    await persistently(supervision, loop, () => move(supervision, loop, to, why), isStoreTrouble);
  } catch (error) {
    const isSettled =
      error instanceof LegionError && (error.code === "LEG2070" || error.code === "LEG2031");
    if (!isSettled) supervision.onError(error, loop.key);
  }
}
