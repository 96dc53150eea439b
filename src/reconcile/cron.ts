import type { CronGeneration, CronState, Crons } from "../cron/contract.ts";
import { LegionError } from "../lib/errors.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import { keyOf, keyText, type ResourceKey } from "../state/resource.ts";
import { CRON_FINALIZER } from "./deletions.ts";
import { missingNeed, type Need, namesOf, needKeys, withOlder } from "./needs.ts";
import { type Reconciler, ready, stalled, type Verdict, waiting } from "./reconciler.ts";
import { blockedBy } from "./tool.ts";
import { sentenceOf } from "./verdict.ts";
import { toolOf } from "./watcher.ts";

export interface CronDeps {
  readonly crons: Pick<Crons, "ensure" | "remove" | "state" | "onChange">;
}

/** Keeps each cron on the schedule of its newest generation. When it is due next is seen from the status that the daemon tells. */
export function cronReconciler({ crons }: CronDeps): Reconciler {
  /** What of each cron its conditions tell, as it was when it was looked at. */
  const told = new Map<string, string>();

  async function removeAny(key: ResourceKey, uid?: string): Promise<void> {
    const state = crons.state(key);
    if (state !== undefined && state.uid !== uid) await crons.remove(keyOf(key), state.uid);
  }

  async function ensured(cron: CronGeneration): Promise<CronState | Verdict> {
    try {
      return await crons.ensure(cron);
    } catch (error) {
      if (!(error instanceof LegionError) || error.code !== "LEG2784") throw error;
      return stalled("ScheduleFailed", sentenceOf(error));
    }
  }

  return {
    kind: "Cron",
    finalizer: CRON_FINALIZER,
    watch: ({ requeue }) =>
      crons.onChange((key) => {
        const before = told.get(keyText(key));
        const state = crons.state(key);
        if (before !== undefined && state !== undefined && before !== tellingOf(state))
          requeue(key);
      }),
    references: (resource, view) => needKeys(resource, needsOf(view.object<"Cron">(resource))),
    async reconcile(resource, { view }) {
      const { uid, generation, creationTimestamp: createdAt } = resource;
      const object = view.object<"Cron">(resource);
      await removeAny(resource, uid);
      const needs = needsOf(object);
      const blocked =
        missingNeed(resource, needs, view) ?? blockedBy(resource, namesOf(needs, "Tool"), view);
      if (blocked !== undefined)
        return withOlder(blocked, crons.state(resource), generation, "goes on running");
      const state = await ensured({ uid, generation, object, createdAt });
      if ("type" in state)
        return withOlder(state, crons.state(resource), generation, "goes on running");
      told.set(keyText(resource), tellingOf(state));
      return verdictOf(object, state);
    },
    async finalize(resource) {
      told.delete(keyText(resource));
      await crons.remove(keyOf(resource), resource.uid);
      return "done";
    },
    async removed(key) {
      told.delete(keyText(key));
      await removeAny(key);
      return "done";
    },
  };
}

function needsOf({ spec: { agent, tool } }: ManifestObject<"Cron">): readonly Need[] {
  if (agent !== undefined) return [{ kind: "Agent", name: agent, field: "spec.agent" }];
  if (tool !== undefined) return [{ kind: "Tool", name: toolOf(tool), field: "spec.tool" }];
  return [];
}

/** Ticks come and go without a word in the conditions. */
function tellingOf({ state, reason = "" }: CronState): string {
  return state === "waiting" || state === "running" ? "scheduled" : `${state} ${reason}`;
}

function verdictOf(
  { namespace, name, spec }: ManifestObject<"Cron">,
  { state, reason }: CronState,
): Verdict {
  const { schedule, timezone } = spec;
  switch (state) {
    case "suspended":
      return waiting(
        "Suspended",
        "spec.suspend is true: moments that go by meanwhile are not caught up.",
      );
    case "paused": {
      const where = namespace === "default" ? "" : ` -n ${namespace}`;
      const why = reason ?? "a run failed";
      return waiting("Paused", `It pauses: ${why}. Next: legion cron resume ${name}${where}`);
    }
    case "ended":
      return ready("Ended", `No moment comes any more: ${reason ?? "the schedule is over"}.`);
    default:
      return ready("Scheduled", `Its schedule is ${schedule} (${timezone}).`);
  }
}
