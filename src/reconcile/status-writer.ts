import type { Clock } from "../lib/clock.ts";
import type { JsonObject } from "../lib/json.ts";
import { keyText, type Resource, type ResourceKey } from "../state/resource.ts";
import type { Fence, FinalizeChange, StatusChange, Store } from "../state/store.ts";
import { ConflictError } from "../state/store-errors.ts";
import { patchStatus, type StatusChanger, statusOf } from "./conditions.ts";
import type { ObjectStatus } from "./contract.ts";
import type { View } from "./view.ts";

/** What is to be written of one object. */
export type WriteJob =
  | { readonly type: "status"; readonly key: ResourceKey; readonly change: StatusChanger }
  | { readonly type: "finalize"; readonly key: ResourceKey; readonly finalizer: string };

export interface StatusWriterOptions {
  readonly store: Store;
  readonly view: View;
  readonly clock: Clock;
  readonly fence?: Fence;
  /** A status was written; not called when there was nothing to write. */
  readonly onStatus: (object: Resource, before: ObjectStatus, after: ObjectStatus) => void;
  /** These could not be written. */
  readonly onFailure: (error: unknown, keys: readonly ResourceKey[]) => void;
  /** A batch was written, or has failed. */
  readonly onProgress: () => void;
}

/** Writes the statuses that come up in one tick together: a disk is asked once for hundreds of them. */
export interface StatusWriter {
  write(job: WriteJob): void;
  isPending(key: string): boolean;
  readonly isIdle: boolean;
  /** The store's version at the last write. */
  readonly version: number;
  /** Resolves when everything was written. */
  flush(): Promise<void>;
}

/** Objects in one write; more would hold up this thread for long. */
const BATCH_MAX = 500;

/** A writer whose batches are planned on the view, one after the other. */
export function createStatusWriter(options: StatusWriterOptions): StatusWriter {
  const waiting = new Map<string, WriteJob>();
  let writing: ReadonlyMap<string, WriteJob> = new Map();
  let flushing: Promise<void> | undefined;
  let version = 0;

  async function flushAll(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (waiting.size > 0) {
      writing = new Map([...waiting].slice(0, BATCH_MAX));
      for (const key of writing.keys()) waiting.delete(key);
      try {
        version = Math.max(version, await writeBatch([...writing.values()], options));
        // The next batch is planned on the view, which has to know this one; when it has ended, there is no next one.
        await options.view.reached(version).catch(() => {});
      } catch (error) {
        options.onFailure(
          error,
          [...writing.values()].map(({ key }) => key),
        );
      }
      writing = new Map();
      if (waiting.size > 0) options.onProgress();
    }
    flushing = undefined;
    options.onProgress();
  }

  return {
    write(job) {
      waiting.set(keyText(job.key), job);
      flushing ??= flushAll();
    },
    isPending: (key) => waiting.has(key) || writing.has(key),
    get isIdle() {
      return flushing === undefined;
    },
    get version() {
      return version;
    },
    flush: async () => flushing,
  };
}

interface Planned {
  readonly change: StatusChange | FinalizeChange;
  readonly told: () => void;
}

/** All in one write; those that moved since the view saw them one by one. */
async function writeBatch(
  jobs: readonly WriteJob[],
  options: StatusWriterOptions,
): Promise<number> {
  const planned = jobs.flatMap((job) => plan(job, options) ?? []);
  if (planned.length === 0) return 0;
  try {
    const changes = planned.map(({ change }) => change);
    const { version } = await options.store.write(changes, writeOptions(options));
    for (const { told } of planned) told();
    return version;
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    const moved = new Set(error.conflicts.map(({ key }) => keyText(key)));
    const [alone = [], together = []] = [true, false].map((wanted) =>
      jobs.filter(({ key }) => moved.has(keyText(key)) === wanted),
    );
    const first = together.length < jobs.length ? await writeBatch(together, options) : 0;
    return Math.max(first, await writeSingly(alone, options));
  }
}

function plan(job: WriteJob, { view, onStatus }: StatusWriterOptions): Planned | undefined {
  const { key } = job;
  if (job.type === "finalize") {
    return { change: { type: "finalize", key, finalizer: job.finalizer }, told: () => {} };
  }
  const resource = view.get(key);
  const after = resource && job.change(resource);
  if (resource === undefined || after === undefined || after === resource.status) return undefined;
  const status = after as JsonObject;
  return {
    change: { type: "status", key, status, expect: resource.resourceVersion },
    told: () => onStatus(resource, statusOf(resource), after),
  };
}

async function writeSingly(
  jobs: readonly WriteJob[],
  options: StatusWriterOptions,
): Promise<number> {
  let version = 0;
  for (const job of jobs) {
    if (job.type !== "status") continue;
    let told = () => {};
    const change: StatusChanger = (resource) => {
      const after = job.change(resource);
      if (after !== undefined && after !== resource.status)
        told = () => options.onStatus(resource, statusOf(resource), after);
      return after;
    };
    const written = await patchStatus(options.store, job.key, change, writeOptions(options));
    if (written > 0) told();
    version = Math.max(version, written);
  }
  return version;
}

function writeOptions({ clock, fence }: StatusWriterOptions): { at: number; fence?: Fence } {
  return { at: clock.now(), ...(fence && { fence }) };
}
