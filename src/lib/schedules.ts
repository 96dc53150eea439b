import { Cron } from "croner";
import { parseDuration } from "./quantities.ts";
import { fieldProblems, isWildcard, nicknames, placedFields } from "./schedule-fields.ts";
import { withGapsAtMidnight } from "./schedule-gaps.ts";
import { suggest } from "./suggest.ts";

/** When something is due: a pattern of cron in a time zone, or a length of time. */
export interface Schedule {
  /** The first moment after one, wall milliseconds; undefined when there is none within 100 years. */
  next(afterMs: number): number | undefined;
  /** The last moment before one; undefined when there is none within 100 years. */
  previous(beforeMs: number): number | undefined;
}

/** What is wrong with a schedule. */
export interface ScheduleProblem {
  /** Which text: the schedule or the zone. */
  readonly of: "schedule" | "timezone";
  readonly message: string;
  readonly hint: string;
  /** Offsets into that text, the end exclusive. */
  readonly start: number;
  readonly end: number;
}

/** The shortest time between two moments. */
export const SCHEDULE_STEP_MIN_MS = 1_000;
const HORIZON_MS = 100 * 366 * 24 * 60 * 60 * 1_000;
/** Where the search for a first moment begins; the rules of zones are known from here on. */
const SEARCH_START_MS = Date.UTC(2026, 0, 1);

/**
 * Reads a schedule: 5 or 6 fields of cron, a name such as @daily, or `every` and a duration.
 *
 * Fields know `*`, numbers, names, ranges, lists and steps of `*` or of a range; the day of the month also `L` (the last
 * one), `LW` (the last one from Monday to Friday) and `15W` (the one from Monday to Friday that is nearest to the 15th), the
 * day of the week also `fri#2` (the second of the month) and `friL` (the last). Where both days are restricted, either will
 * do; where one of them begins with `*`, both have to fit, as with cron since Vixie.
 *
 * When clocks change, it is as with Vixie's cron. A pattern whose second, minute and hour have neither `*` nor a step means
 * times of the day: a time that does not exist on a day comes at the moment at which the clocks go on, and one that comes
 * twice counts once, the first time. All other patterns go by what the clocks show: they run on through an hour that comes
 * twice, and have nothing in one that does not exist. `every` counts real time from 1970 and knows no zone.
 */
export function parseSchedule(
  text: string,
  zone: string,
): { readonly schedule: Schedule } | { readonly problems: readonly ScheduleProblem[] } {
  const zoneProblem = problemOfZone(zone);
  const problems = zoneProblem === undefined ? [] : [zoneProblem];
  const read = /^\s*every\b/i.test(text) ? readEvery(text) : readPattern(text, zone, problems);
  if ("schedule" in read) return problems.length === 0 ? read : { problems };
  return { problems: [...problems, ...read.problems] };
}

type Read = { readonly schedule: Schedule } | { readonly problems: readonly ScheduleProblem[] };

function readEvery(text: string): Read {
  const match = /^\s*every\s+(\S+)\s*$/i.exec(text);
  const amount = match?.[1] ?? "";
  const start = amount === "" ? 0 : text.lastIndexOf(amount);
  const place = { start, end: amount === "" ? text.length : start + amount.length };
  const wrong = (message: string, hint: string): Read => ({
    problems: [{ of: "schedule", message, hint, ...place }],
  });
  const stepMs = parseDuration(amount);
  if (stepMs === undefined) {
    const hint = /^\d+$/.test(amount) ? `write every ${amount}s or every ${amount}m` : EVERY_HINT;
    return wrong("every needs one duration", hint);
  }
  if (stepMs < SCHEDULE_STEP_MIN_MS) return wrong("a schedule has at least 1s", EVERY_HINT);
  if (!Number.isInteger(stepMs))
    return wrong("a schedule has whole milliseconds", "leave out what is shorter than 1ms");
  if (stepMs > HORIZON_MS)
    return wrong("the schedule never fires within 100 years", "choose a shorter duration");
  return { schedule: everySchedule(stepMs) };
}
const EVERY_HINT = "write for example every 90s, every 15m or every 1h30m";

function everySchedule(stepMs: number): Schedule {
  return {
    next: (afterMs) => known((Math.floor(afterMs / stepMs) + 1) * stepMs),
    previous: (beforeMs) => known((Math.ceil(beforeMs / stepMs) - 1) * stepMs),
  };
}

/** Beyond what a Date can hold there are no moments. */
function known(ms: number): number | undefined {
  return Math.abs(ms) <= DATE_MAX_MS ? ms : undefined;
}
const DATE_MAX_MS = 8.64e15;

function readPattern(text: string, zone: string, zoneProblems: readonly ScheduleProblem[]): Read {
  const nickname = text.trim();
  const pattern = nicknames[nickname.toLowerCase()] ?? text;
  const problems = fieldProblems(pattern);
  if (problems.length > 0)
    return { problems: problems.map((problem) => ({ of: "schedule", ...problem })) };
  const place = { of: "schedule", start: 0, end: text.length } as const;
  try {
    const schedule = zonedSchedule(pattern, zoneProblems.length === 0 ? zone : "UTC");
    if (schedule.next(SEARCH_START_MS) !== undefined) return { schedule };
  } catch (error) {
    const message = `the schedule is not understood: ${error instanceof Error ? error.message : error}`;
    return { problems: [{ ...place, message, hint: "write it with simpler fields" }] };
  }
  const message = "the schedule never fires within 100 years";
  const hint =
    "choose a day that the month has, such as L for its last one, and a time that the clocks show";
  return { problems: [{ ...place, message, hint }] };
}

/** The moments of a pattern, also of times of the day that clocks leave out. */
function zonedSchedule(pattern: string, zone: string): Schedule {
  const schedule = patternSchedule(pattern, zone);
  const [second = "0", minute, hour = ""] = placedFields(pattern).map((field) => field?.text);
  const isTimeOfDay = !/[*/]/.test(`${second} ${minute} ${hour}`);
  const lastHour = Math.max(...hour.split(/[-,]/).map(Number));
  if (!isTimeOfDay || lastHour < GAP_HOUR_MIN || zone === "UTC") return schedule;
  return withGapsAtMidnight(schedule, patternSchedule(pattern, "UTC"), zone);
}
/** No gap that ends at midnight begins before. */
const GAP_HOUR_MIN = 21;

/**
 * The moments of a pattern. A parsed pattern takes 80 kB and a moment to make, so only those that were asked last are kept:
 * whoever asks for many moments asks for those of one pattern.
 */
function patternSchedule(pattern: string, timezone: string): Schedule {
  const [, , , day, , weekday] = placedFields(pattern);
  // Where one day is free, both have to fit; croner sees that only for a bare *.
  const domAndDow = isWildcard(day?.text) || isWildcard(weekday?.text);
  const make = () =>
    new Cron(pattern.trim(), {
      ...{ paused: true, mode: "5-or-6-parts", timezone, domAndDow },
      fixedTimeRule: "no-wildcard",
    });
  const key = `${timezone} ${pattern}`;
  const cron = () => {
    const made = lastAsked.get(key) ?? make();
    // Set anew it stands last.
    lastAsked.delete(key);
    lastAsked.set(key, made);
    for (const [oldest] of lastAsked) if (lastAsked.size > KEPT_MAX) lastAsked.delete(oldest);
    return made;
  };
  cron();
  return {
    next(afterMs) {
      if (!isAskable(afterMs)) return undefined;
      const found = cron()
        .nextRun(new Date(Math.floor(afterMs)))
        ?.getTime();
      return found !== undefined && found - afterMs <= HORIZON_MS ? found : undefined;
    },
    previous(beforeMs) {
      if (!isAskable(beforeMs)) return undefined;
      const found = cron()
        .previousRuns(1, new Date(Math.ceil(beforeMs)))[0]
        ?.getTime();
      return found !== undefined && beforeMs - found <= HORIZON_MS ? found : undefined;
    },
  };
}
const lastAsked = new Map<string, Cron>();
/** That of a zone, and the same in UTC. */
const KEPT_MAX = 2;

/** Moments that calendars of zones speak of. */
function isAskable(ms: number): boolean {
  return ms >= 0 && ms <= Date.UTC(2900, 0, 1);
}

function problemOfZone(zone: string): ScheduleProblem | undefined {
  if (isZone(zone)) return undefined;
  const near = suggest(zone, Intl.supportedValuesOf("timeZone"));
  const hint =
    near === undefined
      ? "use a name of the IANA time zone database, such as Europe/Oslo, or UTC"
      : `did you mean "${near}"?`;
  const message = `no time zone is named "${zone}"`;
  return { of: "timezone", message, hint, start: 0, end: zone.length };
}

/** An offset such as +02:00 is no zone: it knows no summer time. */
function isZone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
