import type { Clock } from "../lib/clock.ts";
import type { Timers } from "../manifest/watch/timers.ts";
import { keyOf, keyText, type ResourceKey } from "../state/resource.ts";
import type { ApiObject, ObjectEvent } from "./contract.ts";

/** What is told of one object without a change in the store is told at most so often. */
const GAP_MS = 1_000;
/** Between a list and the watch that goes on from it less than this goes by. */
const RECENT_MS = 2_000;

export interface LiveWatchOptions {
  /** The changes of the store; aborting their signal ends them. */
  readonly stored: (signal: AbortSignal) => AsyncIterable<ObjectEvent>;
  /** The store's version that `stored` begins after. */
  readonly since: number;
  /** Calls with the key of what stands otherwise than before; the function that comes back ends it. */
  readonly onChange: (listener: (key: ResourceKey) => void) => () => void;
  /** The object as the reader of the watch may see it; undefined when it is none of those asked for. */
  readonly present: (key: ResourceKey) => ApiObject | undefined;
  /** The store's version up to which `present` has seen everything. */
  readonly presentVersion: () => number;
  /** Adds how an object stands to what the store has of it. */
  readonly dressed: (object: ApiObject) => ApiObject;
  readonly clock: Clock;
  readonly timers: Timers;
}

/**
 * The changes of the store, and between them what stands otherwise although the store did not change. The version to go on
 * from stays the store's.
 */
export async function* watchLive(
  options: LiveWatchOptions,
  signal: AbortSignal,
): AsyncGenerator<ObjectEvent, void, undefined> {
  const ended = new AbortController();
  const end = () => ended.abort();
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  // One bell for both: a race of promises would hold on to each that goes on waiting.
  const bell = createBell();
  const changed = createChanged(options, bell.ring);
  const stop = options.onChange(changed.mark);
  const stored = createArrivals(options.stored(ended.signal), bell.ring);
  let { since: version } = options;
  try {
    for (;;) {
      await bell.rung();
      for (const key of changed.take()) {
        // What was told already may be newer than what would be told now, or have been deleted.
        if (options.presentVersion() < version) {
          changed.mark(key);
          continue;
        }
        const object = options.present(key);
        // A newer one is on its way, with all that is to be told of it.
        if (object === undefined || object.metadata.resourceVersion > version) continue;
        yield { type: "modified", version, object: options.dressed(object) };
      }
      const next = stored.take();
      if (next === undefined) continue;
      if (next.done === true) return;
      const { value: event } = next;
      version = event.version;
      changed.told({ kind: event.object.kind, ...event.object.metadata });
      yield { ...event, object: options.dressed(event.object) };
      stored.ask();
    }
  } finally {
    signal.removeEventListener("abort", end);
    stop();
    changed.close();
    // Ending it by its signal is the only way while it waits for the next change.
    ended.abort();
  }
}

export interface LiveChanges {
  /** Calls with the key of what changes from now on, and at once with what changed a moment ago; the function that comes back ends it. */
  listen(listener: (key: ResourceKey) => void): () => void;
}

/**
 * The changes of several parts as one. Whoever lists objects and then watches them asks a moment later: what happened in
 * between, nobody would be told of otherwise.
 */
export function createLiveChanges(
  parts: readonly { onChange(listener: (key: ResourceKey) => void): () => void }[],
  clock: Clock,
): LiveChanges {
  const recent = new Map<string, { readonly key: ResourceKey; readonly atMs: number }>();
  const listeners = new Set<(key: ResourceKey) => void>();
  /** The oldest stand first. */
  function forgetOld(): void {
    const oldestMs = clock.monotonic() - RECENT_MS;
    for (const [text, { atMs }] of recent) {
      if (atMs >= oldestMs) return;
      recent.delete(text);
    }
  }
  for (const part of parts) {
    part.onChange((key) => {
      const text = keyText(key);
      recent.delete(text);
      recent.set(text, { key: keyOf(key), atMs: clock.monotonic() });
      forgetOld();
      for (const listener of listeners) listener(key);
    });
  }
  return {
    listen(listener) {
      forgetOld();
      for (const { key } of recent.values()) listener(key);
      const own = (key: ResourceKey) => listener(key);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
  };
}

/** Rings for one who waits, or for the next who will. */
function createBell() {
  let next = Promise.withResolvers<void>();
  return {
    ring: () => next.resolve(),
    async rung(): Promise<void> {
      await next.promise;
      next = Promise.withResolvers();
    },
  };
}

/** What an iterable gives, one value after the other as they are asked for; rings when one is there. */
function createArrivals<T>(iterable: AsyncIterable<T>, ring: () => void) {
  const iterator = iterable[Symbol.asyncIterator]();
  let arrived: IteratorResult<T> | undefined;
  let failure: { readonly error: unknown } | undefined;
  async function ask(): Promise<void> {
    try {
      arrived = await iterator.next();
    } catch (error) {
      failure = { error };
    }
    ring();
  }
  void ask();
  return {
    ask: () => void ask(),
    /** Throws what the iterable failed with. */
    take(): IteratorResult<T> | undefined {
      if (failure !== undefined) throw failure.error;
      const taken = arrived;
      arrived = undefined;
      return taken;
    },
  };
}

/** Which objects stand otherwise, each of them due when it was not told of for a while. */
function createChanged(
  { clock, timers }: Pick<LiveWatchOptions, "clock" | "timers">,
  ring: () => void,
) {
  const due = new Map<string, { readonly key: ResourceKey; readonly atMs: number }>();
  const toldMs = new Map<string, number>();
  let ringsAtMs = Number.POSITIVE_INFINITY;
  let cancel: (() => void) | undefined;

  /** Rings no later than at that moment. */
  function arm(atMs: number): void {
    if (atMs >= ringsAtMs) return;
    cancel?.();
    ringsAtMs = atMs;
    const waitMs = atMs - clock.monotonic();
    if (waitMs <= 0) ring();
    else cancel = timers.after(waitMs, ring);
  }

  function told(key: ResourceKey): void {
    const now = clock.monotonic();
    for (const [text, atMs] of toldMs) {
      if (now - atMs < GAP_MS) break;
      toldMs.delete(text);
    }
    const text = keyText(key);
    due.delete(text);
    // Set anew it stands last: the map stays in the order of time.
    toldMs.delete(text);
    toldMs.set(text, now);
  }

  return {
    told,
    mark(key: ResourceKey): void {
      const text = keyText(key);
      if (due.has(text)) return;
      const earliest = (toldMs.get(text) ?? Number.NEGATIVE_INFINITY) + GAP_MS;
      const atMs = Math.max(clock.monotonic(), earliest);
      due.set(text, { key: keyOf(key), atMs });
      arm(atMs);
    },
    /** Those that are due; they count as told. */
    take(): readonly ResourceKey[] {
      cancel?.();
      ringsAtMs = Number.POSITIVE_INFINITY;
      const now = clock.monotonic();
      const keys = [...due.values()].filter(({ atMs }) => atMs <= now).map(({ key }) => key);
      for (const key of keys) told(key);
      for (const { atMs } of due.values()) arm(atMs);
      return keys;
    },
    close(): void {
      cancel?.();
    },
  };
}
