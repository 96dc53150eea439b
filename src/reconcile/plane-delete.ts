import { keyText, type Resource, type ResourceKey } from "../state/resource.ts";
import { CHANGES_PER_WRITE_MAX } from "../state/store.ts";
import { tooManyChanges } from "./apply-errors.ts";
import { type PlaneContext, writeAll } from "./apply-write.ts";
import type { DeleteOptions } from "./contract.ts";
import { deletionsOf } from "./deletions.ts";
import { existing } from "./plane-lookup.ts";

/** Deletes objects and what goes with them, in one write; none when one of them does not exist. The objects as they were. */
export async function deleteObjects(
  context: PlaneContext,
  keys: readonly ResourceKey[],
  { dryRun = false }: DeleteOptions = {},
): Promise<readonly Resource[]> {
  const { store, idle } = context;
  const distinct = new Map(keys.map((key) => [keyText(key), key]));
  const doomed = await Promise.all([...distinct.values()].map((key) => existing(store, key)));
  if (doomed.length === 0) return [];
  const { changes, resources } = deletionsOf(doomed, await store.list(), { idle });
  if (changes.length > CHANGES_PER_WRITE_MAX) throw tooManyChanges(changes.length);
  if (!dryRun) await writeAll(context, changes);
  return resources;
}
