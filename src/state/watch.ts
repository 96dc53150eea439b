import { keyText } from "./resource.ts";
import type { ChangePage, StoreEvent } from "./store.ts";

/** Events that a watcher reads at once: all that it ever holds in memory. */
const PAGE = 256;

/** Tells who waits that the store went past a version. */
export interface News {
  /** The store is at this version now. */
  advance(version: number): void;
  /** Resolves when the store is past the version, or the signal is aborted; rejects when the store cannot be asked. */
  past(version: number, signal: AbortSignal): Promise<void>;
}

interface Waiter {
  readonly version: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** News of this process at once, and of others by asking for the version every `pollMs` while somebody waits. */
export function createNews(readVersion: () => number, pollMs: number | undefined): News {
  const waiters = new Set<Waiter>();
  let timer: NodeJS.Timeout | undefined;
  const leave = (waiter: Waiter) => {
    waiters.delete(waiter);
    if (waiters.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  const advance = (version: number) => {
    for (const waiter of waiters) if (version > waiter.version) waiter.resolve();
  };
  const poll = () => {
    try {
      advance(readVersion());
    } catch (error) {
      for (const waiter of waiters) waiter.reject(error);
    }
  };
  return {
    advance,
    async past(version, signal) {
      if (signal.aborted || readVersion() > version) return;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const waiter = { version, resolve, reject };
      waiters.add(waiter);
      if (pollMs !== undefined) timer ??= setInterval(poll, pollMs);
      const end = () => resolve();
      signal.addEventListener("abort", end, { once: true });
      try {
        await promise;
      } finally {
        signal.removeEventListener("abort", end);
        leave(waiter);
      }
    },
  };
}

/** Follows a log of changes, a page at a time. */
export async function* follow(
  changes: (since: number, limit: number) => Promise<ChangePage>,
  news: News,
  since: number,
  signal: AbortSignal,
): AsyncGenerator<StoreEvent, void, undefined> {
  let cursor = since;
  while (!signal.aborted) {
    const page = await changes(cursor, PAGE);
    for (const event of coalesce(page.events)) {
      yield event;
      if (signal.aborted) return;
    }
    cursor = page.version;
    await news.past(cursor, signal);
  }
}

/** The newest event of each object, in order of version. What was added and went again was never seen, so it is left out. */
export function coalesce(events: readonly StoreEvent[]): StoreEvent[] {
  const latest = new Map<string, StoreEvent>();
  for (const event of events) {
    const identity = `${keyText(event.resource)}/${event.resource.uid}`;
    const known = latest.get(identity);
    // A Map keeps the place of the first setting; the order is that of the last event.
    latest.delete(identity);
    if (known?.type !== "added") latest.set(identity, event);
    else if (event.type !== "deleted") latest.set(identity, { ...event, type: "added" });
  }
  return [...latest.values()];
}
