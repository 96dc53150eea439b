import type { LoopState, Supervisor } from "../agent/supervision.ts";
import type { Lifecycles } from "../state/lifecycles.ts";
import { keyOf, keyText, type Resource, type ResourceKey } from "../state/resource.ts";
import { type Drains, drainingText } from "./drains.ts";
import { type ReconcileContext, ready, stalled, type Verdict, waiting } from "./reconciler.ts";
import { DRAINING } from "./verdict.ts";

export interface AgentEndingsDeps {
  readonly supervisor: Pick<Supervisor, "state">;
  readonly lifecycles: Pick<Lifecycles, "read" | "forget" | "bury" | "grave">;
  readonly drains: Drains;
  /** Answers the messages and ends the runs of an agent that had no loop in this process. */
  readonly endLeft?: (uid: string) => Promise<void>;
  /** Called when an agent is gone. */
  readonly forget: (key: ResourceKey) => void;
}

/** How agents that are deleted come to their end: the loop is drained, then what they were is buried. */
export interface AgentEndings {
  finalize(
    resource: Resource,
    graceMs: number,
    context: ReconcileContext,
  ): Promise<Verdict | "done">;
  /** For an agent whose object is gone already: nothing is left that could be buried. */
  removed(key: ResourceKey, graceMs: number, context: ReconcileContext): Promise<Verdict | "done">;
}

/** Doing any of it again, after a crash at whatever place, changes nothing. */
export function createAgentEndings(deps: AgentEndingsDeps): AgentEndings {
  const { supervisor, lifecycles, drains, endLeft, forget } = deps;
  /** By key: the agent whose loop ends although its object is gone already. */
  const leaving = new Map<string, string>();
  function drained(key: ResourceKey, graceMs: number, context: ReconcileContext): Verdict | "done" {
    const loop = supervisor.state(key);
    if (loop === undefined) return "done";
    drains.begin(key, loop, graceMs, context);
    return draining(loop);
  }
  return {
    async finalize(resource, graceMs, context) {
      const { uid } = resource;
      const key = keyOf(resource);
      const verdict = drained(key, graceMs, context);
      if (verdict !== "done") return verdict;
      await endLeft?.(uid);
      forget(key);
      const kept = await lifecycles.read(uid);
      await bury(lifecycles, resource, kept?.state === "terminated" ? kept.reason : "deleted");
      await lifecycles.forget(uid);
      return "done";
    },
    async removed(key, graceMs, context) {
      const text = keyText(key);
      const uid = supervisor.state(key)?.uid;
      if (uid !== undefined) leaving.set(text, uid);
      const verdict = drained(key, graceMs, context);
      if (verdict !== "done") return verdict;
      forget(key);
      const gone = leaving.get(text);
      leaving.delete(text);
      if (gone !== undefined) await lifecycles.forget(gone);
      return "done";
    },
  };
}

export function draining(loop: LoopState): Verdict {
  return waiting(DRAINING, drainingText(loop));
}

/** What is said of an agent that people or its supervisor halted. One that is terminated has its grave at once. */
export async function halted(
  resource: Resource,
  { state, reason, actor }: LoopState["lifecycle"],
  lifecycles: AgentEndingsDeps["lifecycles"],
): Promise<Verdict> {
  const title = `agent/${resource.name}`;
  const why = reason === "" ? actor : `${actor}: ${reason}`;
  if (state === "paused") {
    const message = `It takes messages and begins no turns (paused by ${why}), until legion resume ${title}.`;
    return ready("Paused", message);
  }
  if (state === "stopped") {
    const message = `It takes no messages (stopped by ${why}): run legion resume ${title}.`;
    return stalled("Stopped", message);
  }
  if ((await lifecycles.grave(resource.uid)) === undefined) {
    await bury(lifecycles, resource, reason);
  }
  const message = `It is terminated for good (by ${why}): delete it, and run legion graveyard restore ${resource.name} to have it again.`;
  return stalled("Terminated", message);
}

async function bury(
  lifecycles: Pick<Lifecycles, "bury">,
  { uid, namespace, name, labels, annotations, spec }: Resource,
  reason: string,
): Promise<void> {
  await lifecycles.bury({ uid, namespace, name, reason, object: { labels, annotations, spec } });
}
