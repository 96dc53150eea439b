import type { Incoming } from "../supervision.ts";
import { heartbeatDelay, isHeartbeatSent } from "./beats.ts";
import type { Loop, Supervision } from "./loop.ts";
import { later } from "./waiting.ts";

/** Begins to wake an agent as its spec says, or ends it; `send` puts the message. */
export function beat(
  supervision: Supervision,
  loop: Loop,
  send: (message: Incoming) => Promise<unknown>,
): void {
  loop.stopHeartbeat?.();
  const { heartbeat } = loop.policy;
  if (heartbeat === undefined) return;
  const { timers, random, onError } = supervision;
  const cancel = later(timers, heartbeatDelay(heartbeat, random()), () => {
    beat(supervision, loop, send);
    const now = {
      isRunning: loop.isReady && loop.lifecycle.state === "running",
      isLaneBusy: isBusy(loop),
      seen: loop.seen,
      happened: loop.happened,
    };
    if (!isHeartbeatSent(heartbeat, now)) return;
    loop.seen = loop.happened;
    const { task } = heartbeat;
    send({ task, trigger: "heartbeat" }).catch((error: unknown) => onError(error, loop.key));
  });
  loop.stopHeartbeat = () => {
    loop.stopHeartbeat = undefined;
    cancel();
  };
}

function isBusy({ lanes }: Loop): boolean {
  const lane = lanes.get("heartbeat");
  return lane !== undefined && (lane.turn !== undefined || lane.queued > 0 || lane.putting > 0);
}
