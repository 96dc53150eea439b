import { type Lane, type Loop, laneOf, type Supervision } from "./loop.ts";
import { replicaNames } from "./routing.ts";
import { later, persistently, RETRY_MS } from "./waiting.ts";

/** Whether the next message of a lane may have a turn now. */
export function mayBegin(lane: Lane): boolean {
  const { loop, queued, working, isHeld, stopDue } = lane;
  if (loop.isOver || !loop.isReady || loop.stopBackoff !== undefined) return false;
  if (loop.lifecycle.state !== "running") return false;
  return queued > 0 && working === undefined && !isHeld && stopDue === undefined;
}

/** Whether nothing of a loop runs, and nothing waits that could have a turn before long. */
export function isAtRest({ lanes, lifecycle }: Loop): boolean {
  const isRunning = lifecycle.state === "running";
  return lanes
    .values()
    .every(
      ({ working, queued, stopDue }) =>
        working === undefined && (queued === 0 || stopDue !== undefined || !isRunning),
    );
}

/** Lets all lanes of a loop have a turn that may. */
export function wakeAll({ wake }: Supervision, loop: Loop): void {
  for (const lane of [...loop.lanes.values()]) wake(lane);
}

/** Triggers that wait for a session to end look again. */
export function releaseHeld(supervision: Supervision, loop: Loop): void {
  for (const lane of loop.lanes.values()) {
    if (!lane.isHeld) continue;
    lane.isHeld = false;
    supervision.wake(lane);
  }
}

/** Finds what waits in all lanes: at the start, and when letters came back that this process did not see come. */
export async function countAll(supervision: Supervision, loop: Loop): Promise<void> {
  const { inbox } = supervision;
  const before = new Map([...loop.lanes.values()].map((lane) => [lane, lane.arrived]));
  const found = await persistently(supervision, loop, () => inbox.lanes(loop.uid));
  if (loop.isOver || found.size === 0) return;
  for (const [conversation, { waiting, dueMs }] of found) {
    const lane = laneOf(loop, conversation);
    if (lane.arrived === (before.get(lane) ?? 0)) lane.queued = waiting;
    else lane.queued += waiting;
    // One that is not due yet, or not the first, is found when the lane looks for its next.
    waitUntil(supervision, lane, dueMs - supervision.nowMs());
  }
  supervision.changed(loop);
  wakeAll(supervision, loop);
}

/** Counts a lane anew that had no message to give: what waits in it was put off. */
export async function recount(supervision: Supervision, lane: Lane): Promise<void> {
  const { loop, conversation } = lane;
  const { inbox, nowMs } = supervision;
  let arrived: number;
  let dueMs: number;
  do {
    arrived = lane.arrived;
    const found = await persistently(supervision, loop, () => inbox.lanes(loop.uid));
    const counted = found.get(conversation);
    lane.queued = counted?.waiting ?? 0;
    dueMs = counted?.dueMs ?? 0;
    // One that came meanwhile may be missing in what was counted.
  } while (arrived !== lane.arrived);
  if (lane.queued > 0) waitUntil(supervision, lane, Math.max(dueMs - nowMs(), RETRY_MS));
  supervision.changed(loop);
}

function waitUntil(supervision: Supervision, lane: Lane, ms: number): void {
  lane.stopDue?.();
  if (ms <= 0) return;
  const cancel = later(supervision.timers, ms, () => {
    lane.stopDue = undefined;
    supervision.wake(lane);
  });
  lane.stopDue = () => {
    lane.stopDue = undefined;
    cancel();
  };
}

/** Forgets a lane that has nothing to do and nothing to keep; replicas stay, for how much each has done. */
export function forgetIfUnused(lane: Lane): void {
  const { loop, conversation, session, queued, putting, working, restarting } = lane;
  if (session !== undefined || working !== undefined || restarting !== undefined) return;
  if (queued > 0 || putting > 0) return;
  if (!replicaNames(loop.policy.replicas).includes(conversation)) loop.lanes.delete(conversation);
}

/** Ends all that waits for a time. */
export function stopTimers(loop: Loop): void {
  loop.stopBackoff?.();
  loop.stopHeartbeat?.();
  loop.stopAging?.();
  for (const lane of loop.lanes.values()) {
    lane.stopDue?.();
    lane.stopResting?.();
  }
}
