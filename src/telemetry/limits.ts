import type { LegionEvent } from "./events.ts";

/** Characters of the JSON of an answer that an event carries whole. */
export const VALUE_CHARS_MAX = 16 * 1024;

/** The event with no more of an answer than is worth keeping; it comes after redaction, which a cut could hide a part of a secret from. */
export function withinLimits(event: LegionEvent): LegionEvent {
  if (event.kind !== "legion.agent.stopped" || event.data.value === undefined) return event;
  const { value } = event.data;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (text.length <= VALUE_CHARS_MAX) return event;
  const cut = text.slice(0, VALUE_CHARS_MAX).toWellFormed();
  return { ...event, data: { ...event.data, value: cut, isValueCut: true } };
}
