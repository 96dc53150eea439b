import { LegionError } from "../lib/errors.ts";
import type { Json, JsonObject } from "../lib/json.ts";
import { titleOf } from "../manifest/plan-text.ts";
import { leaves } from "../state/managed-values.ts";
import {
  keyOf,
  type Managers,
  type Resource,
  type ResourceKey,
  type SpecRecord,
} from "../state/resource.ts";
import { withoutDefaults } from "./apply-defaults.ts";
import { type PlaneContext, writeAll } from "./apply-write.ts";
import { existing } from "./plane-lookup.ts";
import { markRolledBack } from "./rolled-back.ts";

/** Who writes a rollback, in the history. */
const ROLLBACK = "rollback";

/** Makes an earlier spec the present one, as a new generation, until the source of the object declares something else than now. Owners stay who they were, so that the next change of the file takes over without a conflict. */
export async function rollBack(
  context: PlaneContext,
  key: ResourceKey,
  toGeneration?: number,
): Promise<Resource> {
  const live = await existing(context.store, key);
  const record = chosen(live, await context.store.history(keyOf(key)), toGeneration);
  const { labels } = live;
  const annotations = markRolledBack(live, record.spec);
  await writeAll(context, [
    {
      type: "put",
      key: keyOf(live),
      ...{ labels, annotations, spec: record.spec },
      managers: ownersOf(live, record),
      manager: ROLLBACK,
      expect: live.resourceVersion,
    },
  ]);
  return existing(context.store, key);
}

function chosen(
  live: Resource,
  history: readonly SpecRecord[],
  toGeneration: number | undefined,
): SpecRecord {
  const earlier = history.filter(({ generation }) => generation < live.generation);
  const found = earlier.find(({ generation }) => (toGeneration ?? generation) === generation);
  if (found !== undefined) return found;
  const kept = earlier.map(({ generation }) => `${generation}`);
  const what =
    toGeneration === undefined
      ? `${titleOf(live)} has no earlier generation`
      : toGeneration === live.generation
        ? `generation ${toGeneration} of ${titleOf(live)} is the present one`
        : `generation ${toGeneration} of ${titleOf(live)} is not kept`;
  throw new LegionError({
    code: "LEG6032",
    message: what,
    hint: kept.length > 0 ? `choose one of: ${kept.join(", ")}` : "there is nothing to go back to",
    ...(kept.length > 0 && { valid: kept }),
  });
}

/** Fields that are gone have no owner; fields that are back belong to whoever wrote them then, so that they go when that one sends them no more. */
function ownersOf({ kind, managers }: Resource, { spec, manager }: SpecRecord): Managers {
  const present = new Set(leaves(spec as Json, "/spec"));
  const kept = Object.entries(managers).map(([name, owned]) => {
    const left = owned.filter((pointer) => !pointer.startsWith("/spec") || present.has(pointer));
    return [name, left] as const;
  });
  const owned = new Set(kept.flatMap(([, pointers]) => pointers));
  const bare: JsonObject = withoutDefaults(kind, spec, Object.fromEntries(kept));
  const back = leaves(bare, "/spec").filter((pointer) => !owned.has(pointer));
  const owners = new Map<string, readonly string[]>(kept);
  const owner = owners.has(manager) ? manager : ([...owners.keys()][0] ?? manager);
  owners.set(owner, [...(owners.get(owner) ?? []), ...back].sort());
  return Object.fromEntries([...owners].filter(([, pointers]) => pointers.length > 0));
}
