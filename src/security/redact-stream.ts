import type { Sink } from "../telemetry/emitter.ts";
import type { LegionEvent } from "../telemetry/events.ts";
import { type Redactor, redactDeep } from "./redact.ts";

type Delta = Extract<LegionEvent, { kind: "legion.llm.delta" }>;

/**
 * A sink for the events of one run, without known secrets. A reply comes in pieces, and a piece may end in the middle of a
 * secret: an end that may be the beginning of one waits for the next piece, or for any other event.
 */
export function redactStream(redactor: Redactor, publish: Sink): Sink {
  let held: Delta | undefined;
  const flush = () => {
    const last = held;
    held = undefined;
    if (last !== undefined) publish(last);
  };
  return (event) => {
    if (event.kind !== "legion.llm.delta" || event.data.type !== held?.data.type) flush();
    if (event.kind !== "legion.llm.delta") {
      publish(redactDeep(event, redactor));
      return;
    }
    const text = redactor.redactKnown(`${held?.data.text ?? ""}${event.data.text}`);
    const open = redactor.openEnd(text);
    const [sure, rest] = [text.slice(0, text.length - open), text.slice(text.length - open)];
    held = rest === "" ? undefined : { ...event, data: { ...event.data, text: rest } };
    if (sure !== "" || held === undefined)
      publish({ ...event, data: { ...event.data, text: sure } });
  };
}
