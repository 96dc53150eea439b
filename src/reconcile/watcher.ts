import type { Supervisor } from "../agent/supervision.ts";
import { LegionError } from "../lib/errors.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import type { LifecycleState } from "../state/lifecycles.ts";
import { keyOf, keyText, type Resource, type ResourceKey } from "../state/resource.ts";
import { triggerLanguage } from "../trigger/language.ts";
import type { Watchers } from "../watch/contract.ts";
import { WATCH_FINALIZER } from "./deletions.ts";
import { missingNeed, type Need, namesOf, needKeys, withOlder } from "./needs.ts";
import { type Reconciler, ready, stalled, type Verdict, waiting } from "./reconciler.ts";
import { createReferenceIndex, keyFrom } from "./references.ts";
import { blockedBy } from "./tool.ts";
import { sentenceOf } from "./verdict.ts";

/** When a source that could not be built is tried again: a secret or a file may be there then. */
const RECHECK_MS = 60_000;

export interface WatcherDeps {
  readonly watchers: Pick<Watchers, "ensure" | "remove" | "state" | "agentChanged">;
  readonly supervisor: Pick<Supervisor, "state" | "onChange">;
}

/**
 * Lets each watcher look as its newest generation says. How its trigger stands is not in the conditions: it may change with
 * every look, and is seen from the status that the daemon tells.
 */
export function watcherReconciler({ watchers, supervisor }: WatcherDeps): Reconciler {
  /** Which watchers rest with which agents. */
  const users = createReferenceIndex();
  const lifecycles = new Map<string, LifecycleState>();

  /** Whether the state of an agent is another one than it was. */
  function isMoved(agent: ResourceKey): boolean {
    const text = keyText(agent);
    const state = supervisor.state(agent)?.lifecycle.state;
    if (lifecycles.get(text) === state) return false;
    if (state === undefined) lifecycles.delete(text);
    else lifecycles.set(text, state);
    return true;
  }

  async function removeAny(key: ResourceKey, uid?: string): Promise<void> {
    const state = watchers.state(key);
    if (state !== undefined && state.uid !== uid) await watchers.remove(keyOf(key), state.uid);
  }

  return {
    kind: "Watcher",
    finalizer: WATCH_FINALIZER,
    watch: ({ requeue }) =>
      supervisor.onChange((agent) => {
        if (!isMoved(agent)) return;
        watchers.agentChanged(agent);
        for (const user of users.of(agent)) requeue(keyFrom(user));
      }),
    references: async (resource, view) =>
      needKeys(resource, await needsOf(view.object<"Watcher">(resource))),
    async reconcile(resource, { view }) {
      const { uid, generation } = resource;
      const object = view.object<"Watcher">(resource);
      const agent = agentOf(object);
      users.set(keyText(resource), agent === undefined ? [] : [agent]);
      await removeAny(resource, uid);
      const needs = await needsOf(object);
      // One that is to rest needs nobody whom it could tell.
      const unneeded = object.spec.suspend ? ["Watcher", "Agent"] : ["Watcher"];
      const blocked =
        missingNeed(
          resource,
          needs.filter(({ kind }) => !unneeded.includes(kind)),
          view,
        ) ?? blockedBy(resource, namesOf(needs, "Tool"), view);
      // It rests while its agent is gone.
      if (agent !== undefined && view.get(agent) === undefined) watchers.agentChanged(agent);
      if (blocked !== undefined) {
        const state = watchers.state(resource);
        const does = state?.state === "suspended" ? "rests" : "goes on looking";
        return withOlder(blocked, state, generation, does);
      }
      const refused = await refusedBy(() => watchers.ensure({ uid, generation, object }));
      if (refused !== undefined)
        return withOlder(refused, watchers.state(resource), generation, "goes on looking");
      return resting(object, supervisor) ?? missingWatcher(resource, needs, view) ?? looks(object);
    },
    async finalize(resource) {
      users.set(keyText(resource), []);
      await watchers.remove(keyOf(resource), resource.uid);
      return "done";
    },
    async removed(key) {
      users.set(keyText(key), []);
      await removeAny(key);
      return "done";
    },
  };
}

/** What a watcher names: its agent, its tool, and what its trigger and its recovery act on. */
async function needsOf({ spec }: ManifestObject<"Watcher">): Promise<readonly Need[]> {
  const { type, agent, tool, trigger, recovery, timezone } = spec;
  const { checkTrigger } = await triggerLanguage.get();
  const options = { source: type, zone: timezone, ...(recovery !== undefined && { recovery }) };
  const named = checkTrigger(trigger, options).references.flatMap(
    ({ kind, name = "", in: text }): Need | readonly Need[] => {
      const needed = neededKinds[kind];
      if (needed === undefined) return [];
      return { kind: needed, name: toolOf(name), field: `spec.${text}` };
    },
  );
  return [
    ...(agent === undefined ? [] : [{ kind: "Agent", name: agent, field: "spec.agent" } as const]),
    ...(tool === undefined
      ? []
      : [{ kind: "Tool", name: toolOf(tool), field: "spec.tool" } as const]),
    ...named,
  ];
}

const neededKinds: Readonly<Record<string, Need["kind"]>> = {
  message: "Agent",
  tool: "Tool",
  watcher: "Watcher",
};

/** `web.fetch` is a function of the tool `web`; no other name holds a dot. */
export function toolOf(name: string): string {
  return name.split(".")[0] ?? name;
}

function agentOf({ namespace, spec: { agent } }: ManifestObject<"Watcher">) {
  return agent === undefined ? undefined : { kind: "Agent", namespace, name: agent };
}

/** Why a generation cannot be begun with; undefined when it was. */
async function refusedBy(ensure: () => Promise<unknown>): Promise<Verdict | undefined> {
  try {
    await ensure();
    return undefined;
  } catch (error) {
    // What the store cannot do now is tried again soon, as everywhere.
    if (!(error instanceof LegionError) || error.code.startsWith("LEG600")) throw error;
    const reason = error.code === "LEG2700" ? "TriggerFailed" : "SourceFailed";
    return stalled(reason, sentenceOf(error), { retryAfterMs: RECHECK_MS });
  }
}

/** Why it does not look, although it could. */
function resting(
  object: ManifestObject<"Watcher">,
  supervisor: WatcherDeps["supervisor"],
): Verdict | undefined {
  if (object.spec.suspend)
    return waiting(
      "Suspended",
      "spec.suspend is true: nothing is looked at, and how its trigger stands is kept.",
    );
  const agent = agentOf(object);
  const state = agent && supervisor.state(agent)?.lifecycle.state;
  if (state !== "stopped" && state !== "terminated") return undefined;
  const next = state === "stopped" ? ` Next: legion resume agent/${agent?.name}` : "";
  return waiting("AgentStopped", `It rests, as the agent "${agent?.name}" is ${state}.${next}`);
}

/** It looks all the same: what is to hold it back never fires. */
function missingWatcher(
  resource: Resource,
  needs: readonly Need[],
  view: Parameters<typeof missingNeed>[2],
): Verdict | undefined {
  const watchers = needs.filter(({ kind }) => kind === "Watcher");
  const verdict = missingNeed(resource, watchers, view);
  if (verdict === undefined) return undefined;
  return { ...verdict, message: `${verdict.message} Until then nothing holds it back.` };
}

function looks({ spec: { interval } }: ManifestObject<"Watcher">): Verdict {
  return ready("Watching", `It looks every ${interval}.`);
}
