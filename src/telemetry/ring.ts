import type { DaemonEvent } from "./events.ts";

/** The newest events of a process, for those who attach later, and the place where new ones are heard of. */
export interface EventRing {
  /** Keeps the event, and tells all who listen. It never throws. */
  publish(event: DaemonEvent): void;
  /** What is kept, oldest first; only what came after the event of that id. An id that is not kept any more stands for its time. */
  since(id?: string): readonly DaemonEvent[];
  /** Listens from now on; the function that comes back ends it. */
  subscribe(listener: (event: DaemonEvent) => void): () => void;
}

/** Pieces of a reply that is being written: there are thousands, and the whole text follows. They are told and not kept. */
const FLEETING = "legion.llm.delta";

/** Keeps so many events; `onError` hears of listeners that threw. */
export function createRing(max: number, onError: (error: unknown) => void = () => {}): EventRing {
  const kept: DaemonEvent[] = [];
  const listeners = new Set<{ readonly listener: (event: DaemonEvent) => void }>();
  /** Where the oldest event stands once the ring is full. */
  let start = 0;

  function keep(event: DaemonEvent): void {
    if (max <= 0) return;
    if (kept.length < max) {
      kept.push(event);
      return;
    }
    kept[start] = event;
    start = (start + 1) % max;
  }

  return {
    publish(event) {
      if (event.kind !== FLEETING) keep(event);
      for (const { listener } of listeners) {
        try {
          listener(event);
        } catch (error) {
          onError(error);
        }
      }
    },
    since(id) {
      const ordered = [...kept.slice(start), ...kept.slice(0, start)];
      if (id === undefined) return ordered;
      const at = ordered.findLastIndex((event) => event.id === id);
      // Ids are made in the order of time.
      return at >= 0 ? ordered.slice(at + 1) : ordered.filter((event) => event.id > id);
    },
    subscribe(listener) {
      const entry = { listener };
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
  };
}
