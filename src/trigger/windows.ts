import type { Window } from "./ast.ts";
import { wallClock } from "./zones.ts";

/**
 * Whether a moment stands in a window of the day. The clocks on the wall decide: an hour that summer time skips never comes,
 * one that comes twice counts twice. The end is exclusive; a window over midnight belongs to the day on which it starts.
 */
export function isInside(
  { fromMinute, toMinute, days, zone }: Window,
  nowMs: number,
  defaultZone: string,
): boolean {
  const clock = wallClock(nowMs, zone?.value ?? defaultZone);
  const day = clock.getUTCDay();
  const minute = clock.getUTCHours() * 60 + clock.getUTCMinutes();
  const isDay = (number: number) => days === undefined || days.includes(number);
  if (fromMinute < toMinute) return minute >= fromMinute && minute < toMinute && isDay(day);
  return (minute >= fromMinute && isDay(day)) || (minute < toMinute && isDay((day + 6) % 7));
}
