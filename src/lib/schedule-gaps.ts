import type { Schedule } from "./schedules.ts";

const HOUR_MS = 3_600_000;
/** No clock goes on by more; what is more is another calendar, such as a day that a country left out. */
const GAP_MS_MAX = 3 * HOUR_MS;

/**
 * Adds to times of the day the moments of those that clocks leave out up to midnight, as in Nuuk, where 23:00 becomes the 0:00
 * of the next day: croner has those of a gap only that ends on the day itself. `walls` are the moments of the same pattern in UTC,
 * which stand for what the clocks show.
 */
export function withGapsAtMidnight(schedule: Schedule, walls: Schedule, zone: string): Schedule {
  const offsetOf = offsetsIn(zone);
  const wallOf = (ms: number) => ms + offsetOf(ms);
  /** The first moment of a gap between two others, in the direction of the search. */
  const within = (direction: "next" | "previous", fromMs: number, toMs: number) => {
    const [earliest, latest] = fromMs < toMs ? [fromMs, toMs] : [toMs, fromMs];
    const endWall = wallOf(toMs);
    for (
      let wall = walls[direction](wallOf(fromMs));
      wall !== undefined && (direction === "next" ? wall < endWall : wall > endWall);
      wall = walls[direction](wall)
    ) {
      const ms = gapEnd(wall, offsetOf);
      if (ms !== undefined && ms > earliest && ms < latest) return ms;
    }
    return toMs;
  };
  return {
    next(afterMs) {
      const found = schedule.next(afterMs);
      return found === undefined ? undefined : within("next", afterMs, found);
    },
    previous(beforeMs) {
      const found = schedule.previous(beforeMs);
      return found === undefined ? undefined : within("previous", beforeMs, found);
    },
  };
}

/** When the clocks go on over a time that they do not show; undefined for one that they do. */
function gapEnd(wallMs: number, offsetOf: (ms: number) => number): number | undefined {
  let [beforeMs, afterMs] = [wallMs - 24 * HOUR_MS, wallMs + 24 * HOUR_MS];
  const [before, after] = [offsetOf(beforeMs), offsetOf(afterMs)];
  if (after <= before || after - before > GAP_MS_MAX) return undefined;
  while (afterMs - beforeMs > 1) {
    const middleMs = Math.floor((beforeMs + afterMs) / 2);
    if (offsetOf(middleMs) === before) beforeMs = middleMs;
    else afterMs = middleMs;
  }
  return wallMs >= afterMs + before && wallMs < afterMs + after ? afterMs : undefined;
}

/** How far the clocks of a zone are ahead of UTC, milliseconds. */
function offsetsIn(timeZone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat("en-US", {
    ...{ timeZone, hourCycle: "h23", era: "short" },
    ...{ year: "numeric", month: "numeric", day: "numeric" },
    ...{ hour: "numeric", minute: "numeric", second: "numeric" },
  });
  return (ms) => {
    const parts = format.formatToParts(ms);
    const read = (type: string) => Number(parts.find((part) => part.type === type)?.value);
    const day = Date.UTC(read("year"), read("month") - 1, read("day"));
    const shown = day + read("hour") * HOUR_MS + read("minute") * 60_000 + read("second") * 1_000;
    return shown - Math.floor(ms / 1_000) * 1_000;
  };
}
