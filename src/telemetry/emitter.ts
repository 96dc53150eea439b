import type { Clock } from "../lib/clock.ts";
import { newId } from "../lib/ids.ts";
import type { Emit, EmitObject, LegionEvent, ObjectEventRecord } from "./events.ts";

/** Takes an event. It returns at once: whatever is slow goes into a queue of its own. */
export type Sink = (event: LegionEvent) => void;

/** Makes the events of one run: each gets an id, the time and who it is about, and goes to the sink. */
export function createEmitter(options: {
  readonly agent: string;
  readonly run: string;
  readonly clock: Pick<Clock, "now">;
  readonly sink: Sink;
}): Emit {
  const { agent, run, clock, sink } = options;
  return (kind, data, causedBy) => {
    const nowMs = clock.now();
    const id = newId(nowMs);
    const at = new Date(nowMs).toISOString();
    // The compiler cannot see that kind and data belong together, though Emit's type says so.
    const event = { id, at, agent, run, kind, data, ...(causedBy !== undefined && { causedBy }) };
    sink(event as LegionEvent);
    return id;
  };
}

/** Makes events about objects of the store and about the daemon itself. */
export function createObjectEmitter(options: {
  readonly clock: Pick<Clock, "now">;
  readonly sink: (event: ObjectEventRecord) => void;
}): EmitObject {
  const { clock, sink } = options;
  return (object, data, causedBy) => {
    const nowMs = clock.now();
    const id = newId(nowMs);
    const at = new Date(nowMs).toISOString();
    const cause = causedBy === undefined ? {} : { causedBy };
    sink({ id, at, kind: "legion.object", object, data, ...cause });
    return id;
  };
}
