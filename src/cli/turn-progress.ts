import { setTimeout as wait } from "node:timers/promises";
import { newId } from "../lib/ids.ts";
import type { DaemonPlane, EventQuery } from "../reconcile/contract.ts";
import { keyText, type ResourceKey } from "../state/resource.ts";
import type { LegionEvent } from "../telemetry/events.ts";

/** How long the last events of a turn may take to arrive when its answer is there already. */
const LAST_EVENTS_MS = 1_000;

/** The events of the turn that answers a message. */
export interface TurnFollower {
  /** The turn has ended: resolves when its last event was told, or does not come. */
  ended(run: string): Promise<void>;
  /** Tells nothing more. */
  stop(): void;
}

/**
 * Tells the events of the turn that answers a message of this id. What cannot be followed is left out: the answer does not
 * depend on it.
 */
export function followTurn(
  daemon: Pick<DaemonPlane, "events">,
  agent: ResourceKey,
  message: string,
  onEvent: (event: LegionEvent) => void,
): TurnFollower {
  const abort = new AbortController();
  const last = Promise.withResolvers<void>();
  let run: string | undefined;
  const query: EventQuery = {
    ...{ object: keyText(agent), about: "run", follow: true },
    // What happens until the stream is open is told too, also within this millisecond.
    since: newId(Date.now() - 1),
  };
  async function follow(): Promise<void> {
    for await (const event of daemon.events(query, abort.signal)) {
      if (event.kind === "legion.object") continue;
      if (event.kind === "legion.agent.started" && event.data.message === message) run = event.run;
      if (event.run !== run) continue;
      onEvent(event);
      if (event.kind === "legion.agent.stopped") return;
    }
  }
  void follow()
    .catch(() => {})
    .finally(() => last.resolve());
  return {
    async ended(endedRun) {
      // One whose beginning was not told is none to wait for.
      if (run === undefined || run === endedRun)
        await Promise.race([last.promise, wait(LAST_EVENTS_MS, undefined, { ref: false })]);
      abort.abort();
    },
    stop: () => abort.abort(),
  };
}
