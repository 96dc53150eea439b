// Goal: moments of schedules go on strictly, none is left out, and where one starts to ask changes nothing (R09).
// Method: random patterns around changes of the clocks, held against the clocks themselves, minute by minute.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseSchedule, type Schedule } from "./schedules.ts";

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/** Days around changes of the clocks, and days without one. */
const places = [
  ["Europe/Oslo", Date.UTC(2026, 2, 27)],
  ["Europe/Oslo", Date.UTC(2026, 9, 23)],
  ["America/New_York", Date.UTC(2026, 2, 6)],
  ["America/New_York", Date.UTC(2026, 9, 30)],
  ["Africa/Cairo", Date.UTC(2026, 3, 22)],
  ["Africa/Cairo", Date.UTC(2026, 9, 28)],
  ["Australia/Lord_Howe", Date.UTC(2026, 3, 3)],
  ["Australia/Lord_Howe", Date.UTC(2026, 9, 2)],
  ["UTC", Date.UTC(2028, 1, 27)],
] as const;

/** What the clocks of a zone show, for each minute of four days. */
interface Shown {
  readonly startMs: number;
  /** Minutes since 1970, as if the clocks were those of UTC. */
  readonly minutes: readonly number[];
}

const shown = new Map<string, Shown>();
function clocks(zone: string, startMs: number): Shown {
  const key = `${zone} ${startMs}`;
  const known = shown.get(key);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("sv-SE", {
    ...{ timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" },
    ...{ hour: "2-digit", minute: "2-digit" },
  });
  const minutes = Array.from({ length: 4 * DAY_MINUTES }, (_, index) => {
    const text = format.format(startMs + index * MINUTE_MS);
    return Date.parse(`${text.replace(" ", "T")}Z`) / MINUTE_MS;
  });
  const made = { startMs, minutes };
  shown.set(key, made);
  return made;
}

interface Pattern {
  readonly minute: string;
  readonly hour: string;
}

/** Whether the value is one of the field. */
function fits(field: string, value: number): boolean {
  return field.split(",").some((part) => {
    const [range = "", step = "1"] = part.split("/");
    if (range === "*") return value % Number(step) === 0;
    const [from = 0, to = from] = range.split("-").map(Number);
    return value >= from && value <= to && (value - from) % Number(step) === 0;
  });
}

/** The moments of a pattern of minutes and hours, by what the clocks show. */
function momentsOf({ minute, hour }: Pattern, { startMs, minutes }: Shown): number[] {
  const matches = (wall: number) =>
    fits(minute, wall % 60) && fits(hour, Math.floor(wall / 60) % 24);
  const at = (index: number) => startMs + index * MINUTE_MS;
  const isFixed = !/[*/]/.test(minute + hour);
  const found = new Set<number>();
  const seen = new Set<number>();
  for (const [index, wall] of minutes.entries()) {
    const before = minutes[index - 1] ?? wall - 1;
    // What the clocks jumped over comes now.
    for (let missed = before + 1; isFixed && missed < wall; missed += 1)
      if (matches(missed)) found.add(at(index));
    if (matches(wall) && !(isFixed && seen.has(wall))) found.add(at(index));
    seen.add(wall);
  }
  return [...found];
}

const field = (max: number) => {
  const value = fc.integer({ min: 0, max });
  const range = fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  const step = fc.integer({ min: 1, max: 20 });
  const part = fc.oneof(
    { weight: 3, arbitrary: value.map(String) },
    range,
    fc.tuple(range, step).map(([each, by]) => `${each}/${by}`),
    step.map((by) => `*/${by}`),
    fc.constant("*"),
  );
  return fc.oneof(
    part,
    fc.array(part, { minLength: 2, maxLength: 3 }).map((list) => list.join()),
  );
};
const hours = fc.oneof(field(23), fc.constantFrom("0", "1", "2", "3", "1-2", "2,3", "23", "0,23"));

function scheduleOf(text: string, zone: string): Schedule {
  const read = parseSchedule(text, zone);
  assert.ok("schedule" in read, JSON.stringify(read));
  return read.schedule;
}

/** Everything after a moment and before another. */
function listed(schedule: Schedule, fromMs: number, toMs: number): number[] {
  const found: number[] = [];
  let at = schedule.next(fromMs);
  while (at !== undefined && at < toMs) {
    found.push(at);
    at = schedule.next(at);
  }
  return found;
}

test("patterns have the moments that the clocks show, from wherever one asks", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...places),
      field(59),
      hours,
      fc.array(fc.integer({ min: 0, max: 4 * DAY_MINUTES * MINUTE_MS - 1 }), { maxLength: 8 }),
      ([zone, startMs], minute, hour, offsets) => {
        const schedule = scheduleOf(`${minute} ${hour} * * *`, zone);
        const clock = clocks(zone, startMs);
        const endMs = startMs + 4 * DAY_MINUTES * MINUTE_MS;
        const expected = momentsOf({ minute, hour }, clock);
        assert.deepEqual(listed(schedule, startMs - 1, endMs), expected);
        for (const offset of offsets) {
          const asked = startMs + offset;
          const next = expected.find((each) => each > asked);
          if (next !== undefined) assert.equal(schedule.next(asked), next);
          const previous = expected.findLast((each) => each < asked);
          if (previous !== undefined) assert.equal(schedule.previous(asked), previous);
        }
      },
    ),
    { numRuns: 250 },
  );
});

test("every has each multiple of its length and nothing else", () => {
  const moment = fc.integer({ min: 0, max: Date.UTC(2200, 0, 1) });
  fc.assert(
    fc.property(moment, fc.integer({ min: 1_000, max: 1e9 }), (asked, stepMs) => {
      const schedule = scheduleOf(`every ${stepMs}ms`, "Europe/Oslo");
      const next = schedule.next(asked) ?? 0;
      assert.equal(next % stepMs, 0);
      assert.ok(next > asked && next - asked <= stepMs);
      assert.equal(schedule.next(next - 1), next);
      assert.equal(schedule.previous(next), next - stepMs);
      assert.equal(schedule.previous(next + 1), next);
    }),
  );
});

test("whatever reads as a pattern is one, and the rest names a place in the text", () => {
  const days = fc.constantFrom("*", "?", "L", "LW", "1W", "1,15", "*/2", "31", "10-20/3", "0", "W");
  const months = fc.constantFrom("*", "jan", "feb-apr", "*/3", "13", "2", "DEC,1", "janfeb");
  const weekdays = fc.constantFrom(
    "*",
    "mon-fri",
    "sunL",
    "fri#2",
    "7",
    "fri-sun",
    "8",
    "mon#6",
    "x",
  );
  const text = fc
    .tuple(field(70), field(26), days, months, weekdays)
    .map((fields) => fields.join(" "));
  fc.assert(
    fc.property(text, (pattern) => {
      const read = parseSchedule(pattern, "UTC");
      if ("schedule" in read) {
        const first = read.schedule.next(Date.UTC(2026, 0, 1));
        assert.ok(first !== undefined && read.schedule.previous(first + 1) === first);
        return;
      }
      for (const { start, end, message, hint } of read.problems) {
        assert.ok(start >= 0 && end > start && end <= pattern.length);
        assert.doesNotMatch(message, /CronPattern|is not understood/);
        assert.ok(hint.length > 0);
      }
    }),
    { numRuns: 500 },
  );
});

test("far beyond any calendar there is nothing, and it is found at once", () => {
  const schedule = scheduleOf("0 9 * * *", "Europe/Oslo");
  for (const asked of [-1, Number.NaN, Number.POSITIVE_INFINITY, 8.64e15]) {
    assert.equal(schedule.next(asked), undefined);
    assert.equal(schedule.previous(asked), undefined);
  }
  const rare = scheduleOf("0 0 29 2 mon#5", "UTC");
  assert.equal(rare.next(Date.UTC(2026, 0, 1)), Date.UTC(2028, 1, 29));
});
