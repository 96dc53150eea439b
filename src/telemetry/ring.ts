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

/** Of memory; events that are as usual take far less of it. */
const BYTES_MAX = 32 * 2 ** 20;

interface Kept {
  readonly event: DaemonEvent;
  readonly bytes: number;
}

/** Keeps so many events, and no more than that memory holds; `onError` hears of listeners that threw. */
export function createRing(
  max: number,
  onError: (error: unknown) => void = () => {},
  maxBytes = BYTES_MAX,
): EventRing {
  const listeners = new Set<{ readonly listener: (event: DaemonEvent) => void }>();
  /** Those before `start` are gone. */
  const kept: (Kept | undefined)[] = [];
  let start = 0;
  let bytes = 0;

  function keep(event: DaemonEvent): void {
    const own = weightOf(event);
    // One that is larger than all there is room for does not push out the others.
    if (max <= 0 || own > maxBytes) return;
    kept.push({ event, bytes: own });
    bytes += own;
    while (kept.length - start > max || bytes > maxBytes) {
      bytes -= kept[start]?.bytes ?? 0;
      kept[start] = undefined;
      start += 1;
    }
    if (start < max) return;
    kept.splice(0, start);
    start = 0;
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
      const ordered = kept.slice(start).flatMap((one) => one?.event ?? []);
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

/** What a value is reckoned to take that is no text. */
const VALUE_BYTES = 16;
const CHAR_BYTES = 2;

/** How much memory a value takes at most, about. */
function weightOf(value: unknown): number {
  if (typeof value === "string") return VALUE_BYTES + value.length * CHAR_BYTES;
  if (typeof value !== "object" || value === null) return VALUE_BYTES;
  let bytes = VALUE_BYTES;
  for (const each of Object.values(value)) bytes += VALUE_BYTES + weightOf(each);
  return bytes;
}
