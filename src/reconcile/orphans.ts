import type { Clock } from "../lib/clock.ts";
import { keyOf, type Resource } from "../state/resource.ts";
import type { Fence, Store } from "../state/store.ts";
import { ConflictError } from "../state/store-errors.ts";
import type { View } from "./view.ts";

/** Objects deleted in one write. */
const BATCH_MAX = 500;

export interface OrphanOptions {
  readonly store: Pick<Store, "orphans" | "write">;
  readonly view: Pick<View, "all" | "subscribe" | "reached">;
  readonly clock: Clock;
  readonly fence?: Fence;
  readonly onFailure: (error: unknown) => void;
  readonly onProgress: () => void;
}

export interface OrphanCollector {
  readonly isIdle: boolean;
  /** Looks no more, and resolves when what was begun has ended. */
  close(): Promise<void>;
}

/** Deletes objects whose owners are all gone: at first, and whenever an object goes while there are owned ones. */
export function createOrphanCollector(options: OrphanOptions): OrphanCollector {
  const { view, onFailure, onProgress } = options;
  let owned = 0;
  let isWanted = false;
  let collecting: Promise<void> | undefined;

  async function collect(): Promise<void> {
    while (isWanted) {
      isWanted = false;
      try {
        await deleteOrphans(options);
      } catch (error) {
        if (error instanceof ConflictError) isWanted = true;
        else onFailure(error);
      }
    }
    collecting = undefined;
    onProgress();
  }

  function check(): void {
    if (owned === 0) return;
    isWanted = true;
    collecting ??= collect();
  }

  for (const resource of view.all()) owned += weight(resource);
  const unsubscribe = view.subscribe(({ type, resource, before }) => {
    if (before !== undefined) owned -= weight(before);
    if (type !== "deleted") owned += weight(resource);
    else check();
  });
  check();
  return {
    get isIdle() {
      return collecting === undefined;
    },
    async close() {
      unsubscribe();
      isWanted = false;
      await collecting;
    },
  };
}

function weight({ ownerReferences }: Resource): number {
  return ownerReferences.length > 0 ? 1 : 0;
}

async function deleteOrphans({ store, view, clock, fence }: OrphanOptions): Promise<void> {
  const orphans = await store.orphans();
  for (let first = 0; first < orphans.length; first += BATCH_MAX) {
    const changes = orphans.slice(first, first + BATCH_MAX).map((resource) => ({
      type: "delete" as const,
      key: keyOf(resource),
      expect: resource.resourceVersion,
    }));
    const { version } = await store.write(changes, { at: clock.now(), ...(fence && { fence }) });
    await view.reached(version).catch(() => {});
  }
}
