import type { Kind, ManifestObject, ManifestSet } from "../manifest/objects.ts";
import { systemTimers, type Timers } from "../manifest/watch/timers.ts";
import type { Resource } from "../state/resource.ts";
import { CHANGES_PAGE_MAX, type Store, type StoreEvent } from "../state/store.ts";
import { TooOldError } from "../state/store-errors.ts";
import { manifestObjectOf, type Place } from "./object-of.ts";
import { createResourceIndex, type ResourceIndex } from "./view-index.ts";

/** One change as the view took it in. `before` is absent for an object that was not there. */
export interface ViewEvent {
  readonly type: "added" | "modified" | "deleted";
  /** The object after the change; its last state when it was deleted. */
  readonly resource: Resource;
  readonly before?: Resource;
}

/** The store as this process knows it, in memory: what decisions are made on. It lags behind the store by moments. */
export interface View extends Pick<ResourceIndex, "get" | "ofKind" | "all" | "size"> {
  /** The store's version up to which everything has been seen. */
  readonly version: number;
  /** The object as manifests have it, made once for each version of it. */
  object<K extends Kind>(resource: Resource): ManifestObject<K>;
  /** What references of one namespace can mean; objects that are being deleted are not among it. */
  within(namespace: string): Pick<ManifestSet, "get" | "all">;
  /** Called with each change once the view has it; the function that comes back ends it. */
  subscribe(listener: (event: ViewEvent) => void): () => void;
  /** Resolves when everything up to that version has been seen; rejects when the view ends before. */
  reached(version: number): Promise<void>;
  /** Resolves when the view has ended. */
  readonly done: Promise<void>;
}

export interface ViewOptions {
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Told why the store could not be followed, which is tried again, and what listeners threw. */
  readonly onError: (error: unknown) => void;
  readonly place: Place;
  readonly timers?: Timers;
}

/** Pause before a store that failed is asked again. */
const RETRY_MS = 1_000;

/** Lists the store, and follows it from then on. */
export async function createView(store: Store, options: ViewOptions): Promise<View> {
  const index = createResourceIndex();
  const listeners = new Set<(event: ViewEvent) => void>();
  const notify = (event: ViewEvent) => {
    for (const listener of listeners) {
      try {
        listener(event);
      } catch (error) {
        options.onError(error);
      }
    }
  };
  const reader = createReader(store, index, notify);
  await reader.relist();
  const waiters = createWaiters(reader, options.signal);
  const done = follow(store, reader, waiters.wake, options).finally(waiters.end);
  const objects = new WeakMap<Resource, ManifestObject>();
  const object = <K extends Kind>(resource: Resource): ManifestObject<K> => {
    const known = objects.get(resource) ?? manifestObjectOf(resource, options.place);
    objects.set(resource, known);
    return known as ManifestObject<K>;
  };
  return {
    get version() {
      return reader.version();
    },
    get size() {
      return index.size;
    },
    get: index.get,
    ofKind: index.ofKind,
    all: index.all,
    object,
    within: (namespace) => ({
      get: <K extends Kind>(kind: K, name: string) => {
        const resource = index.get({ kind, namespace, name });
        return resource && isStaying(resource) ? object<K>(resource) : undefined;
      },
      all: <K extends Kind>(kind: K) =>
        index
          .ofKind(kind, namespace)
          .filter(isStaying)
          .map((resource) => object<K>(resource)),
    }),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    reached: waiters.reached,
    done,
  };
}

function isStaying({ deletionTimestamp }: Resource): boolean {
  return deletionTimestamp === undefined;
}

interface Reader {
  version(): number;
  /** Takes in all changes up to now. */
  catchUp(): Promise<void>;
  /** Takes in what the store holds now, whatever was known before. */
  relist(): Promise<void>;
}

/** Brings the index up to date, by changes or by the whole list, one at a time. */
function createReader(
  store: Store,
  index: ResourceIndex,
  notify: (event: ViewEvent) => void,
): Reader {
  let version = 0;
  let reading: Promise<void> | undefined;

  /** A list may be newer than the version that changes are read from then; what it says itself is the truth. */
  function put(resource: Resource, isListed = false): void {
    const before = index.get(resource);
    const ahead = before === undefined ? -1 : before.resourceVersion - resource.resourceVersion;
    if (isListed ? ahead === 0 : ahead >= 0) return;
    if (before !== undefined && before.uid !== resource.uid) remove(before);
    index.set(resource);
    if (before?.uid === resource.uid) notify({ type: "modified", resource, before });
    else notify({ type: "added", resource });
  }

  function remove(resource: Resource): void {
    const before = index.get(resource);
    if (before?.uid !== resource.uid || before.resourceVersion > resource.resourceVersion) return;
    index.delete(resource);
    notify({ type: "deleted", resource, before });
  }

  const take = ({ type, resource }: StoreEvent) =>
    type === "deleted" ? remove(resource) : put(resource);

  async function relist(): Promise<void> {
    const listedAt = await store.version();
    const resources = await store.list();
    const present = new Set(resources.map(({ uid }) => uid));
    for (const known of [...index.all()]) if (!present.has(known.uid)) remove(known);
    for (const resource of resources) put(resource, true);
    version = listedAt;
  }

  async function readPages(): Promise<void> {
    for (;;) {
      const page = await store.changes(version, CHANGES_PAGE_MAX);
      for (const event of page.events) take(event);
      version = page.version;
      if (page.events.length < CHANGES_PAGE_MAX) return;
    }
  }

  async function readAll(): Promise<void> {
    try {
      await readPages();
    } catch (error) {
      if (!(error instanceof TooOldError)) throw error;
      await relist();
    }
  }

  return {
    version: () => version,
    relist,
    catchUp() {
      reading ??= readAll().finally(() => {
        reading = undefined;
      });
      return reading;
    },
  };
}

interface Waiters {
  wake(): void;
  end(): void;
  reached(version: number): Promise<void>;
}

function createWaiters(reader: Reader, signal: AbortSignal): Waiters {
  const waiting = new Set<{ version: number; resolve: () => void; reject: (e: unknown) => void }>();
  const wake = () => {
    for (const waiter of waiting) if (waiter.version <= reader.version()) waiter.resolve();
  };
  const ended = () => signal.reason ?? new DOMException("the view has ended", "AbortError");
  return {
    wake,
    end() {
      for (const waiter of waiting) waiter.reject(ended());
    },
    async reached(version) {
      // Reading at once saves the wait for news; a reading that is under way may have begun before the write.
      for (let tries = 0; tries < 2 && reader.version() < version && !signal.aborted; tries += 1)
        await reader.catchUp().catch(() => {});
      wake();
      if (reader.version() >= version) return;
      if (signal.aborted) throw ended();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const waiter = { version, resolve, reject };
      waiting.add(waiter);
      await promise.finally(() => waiting.delete(waiter));
    },
  };
}

/** Reads whenever there is news. The news are a hint only: the watch gives the newest of several changes, and the view needs them in order. */
async function follow(
  store: Store,
  reader: Reader,
  wake: () => void,
  { signal, onError, timers = systemTimers }: ViewOptions,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await reader.catchUp();
      wake();
      for await (const _ of store.watch(reader.version(), signal)) break;
    } catch (error) {
      if (error instanceof TooOldError) continue;
      onError(error);
      await pause(timers, RETRY_MS, signal);
    }
  }
}

async function pause(timers: Timers, ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  const cancel = timers.after(ms, end);
  signal.addEventListener("abort", end, { once: true });
  await promise;
  signal.removeEventListener("abort", end);
  cancel();
}
