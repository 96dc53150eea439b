import type { Sink } from "./emitter.ts";
import type { LegionEvent } from "./events.ts";

/** Hands every event to all who listen. */
export interface Bus {
  /** The sink to give to emitters. It never throws. */
  readonly publish: Sink;
  /** Listens from now on; the function that comes back ends it. */
  subscribe(sink: Sink): () => void;
}

/** `onError` hears of a listener that threw; the run that the event is about goes on. */
export function createBus(onError: (error: unknown) => void): Bus {
  const sinks = new Set<{ readonly sink: Sink }>();
  return {
    publish(event: LegionEvent) {
      for (const { sink } of sinks) {
        try {
          sink(event);
        } catch (error) {
          onError(error);
        }
      }
    },
    subscribe(sink) {
      const entry = { sink };
      sinks.add(entry);
      return () => void sinks.delete(entry);
    },
  };
}
