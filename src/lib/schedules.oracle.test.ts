// Goal: moments of schedules are right where calendars are hard: summer time, leap days, ends of months and years (R09).
// Method: a table of instants written by hand from the rules of the zones, and schedules that must be refused.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseSchedule, type Schedule } from "./schedules.ts";

/** What is asked, and the moments that follow, UTC. */
type Row = readonly [
  schedule: string,
  zone: string,
  after: string,
  expected: readonly string[],
  why: string,
];

/** Clocks go on at 01:00 UTC on 29 March 2026 (02:00 to 03:00), and back at 01:00 UTC on 25 October 2026 (03:00 to 02:00). */
const OSLO = "Europe/Oslo";
/** On at 07:00 UTC on 8 March 2026 (02:00 to 03:00), back at 06:00 UTC on 1 November 2026 (02:00 to 01:00). */
const YORK = "America/New_York";
/** On at 22:00 UTC on 23 April 2026 (Friday 24 April 00:00 to 01:00), back at 21:00 UTC on 29 October 2026 (24:00 to 23:00). */
const CAIRO = "Africa/Cairo";
const NUUK = "America/Nuuk";
const PYONGYANG = "Asia/Pyongyang";
const APIA = "Pacific/Apia";
/** By half an hour: on at 15:30 UTC on 3 October 2026 (4 October 02:00 to 02:30), back at 15:00 UTC on 4 April 2026 (5 April 02:00 to 01:30). */
const HOWE = "Australia/Lord_Howe";

const table: readonly Row[] = [
  // Times of the day that do not exist come when the clocks go on.
  [
    "30 2 * * *",
    OSLO,
    "2026-03-27T12:00Z",
    ["2026-03-28T01:30Z", "2026-03-29T01:00Z", "2026-03-30T00:30Z"],
    "in the gap",
  ],
  [
    "0 2 * * *",
    OSLO,
    "2026-03-28T12:00Z",
    ["2026-03-29T01:00Z", "2026-03-30T00:00Z"],
    "the first minute of the gap",
  ],
  [
    "0 3 * * *",
    OSLO,
    "2026-03-28T12:00Z",
    ["2026-03-29T01:00Z", "2026-03-30T01:00Z"],
    "the end of the gap",
  ],
  [
    "30 2,3 * * *",
    OSLO,
    "2026-03-28T12:00Z",
    ["2026-03-29T01:00Z", "2026-03-29T01:30Z", "2026-03-30T00:30Z"],
    "one of two in the gap",
  ],
  [
    "0,30 2 * * *",
    OSLO,
    "2026-03-28T12:00Z",
    ["2026-03-29T01:00Z", "2026-03-30T00:00Z", "2026-03-30T00:30Z"],
    "two in the gap come once",
  ],
  [
    "0 2-3 * * *",
    OSLO,
    "2026-03-28T12:00Z",
    ["2026-03-29T01:00Z", "2026-03-30T00:00Z", "2026-03-30T01:00Z"],
    "the gap and its end come once",
  ],
  [
    "30 2 * * *",
    YORK,
    "2026-03-07T12:00Z",
    ["2026-03-08T07:00Z", "2026-03-09T06:30Z"],
    "in the gap",
  ],
  [
    "0 0 * * *",
    CAIRO,
    "2026-04-22T12:00Z",
    ["2026-04-22T22:00Z", "2026-04-23T22:00Z", "2026-04-24T21:00Z"],
    "a day without midnight",
  ],
  [
    "@daily",
    CAIRO,
    "2026-04-23T12:00Z",
    ["2026-04-23T22:00Z", "2026-04-24T21:00Z"],
    "a day without midnight",
  ],
  [
    "30 0 * * *",
    CAIRO,
    "2026-04-22T12:00Z",
    ["2026-04-22T22:30Z", "2026-04-23T22:00Z", "2026-04-24T21:30Z"],
    "in the gap after midnight",
  ],
  [
    "0 0 24 4 *",
    CAIRO,
    "2026-01-01T00:00Z",
    ["2026-04-23T22:00Z", "2027-04-23T22:00Z"],
    "once a year, in the gap of this one",
  ],
  // A gap that ends with the day: 23:00 is 0:00 of the next one.
  [
    "30 23 * * *",
    NUUK,
    "2026-03-27T12:00Z",
    ["2026-03-28T01:30Z", "2026-03-29T01:00Z", "2026-03-30T00:30Z"],
    "in the gap before midnight",
  ],
  [
    "30 23 28 3 *",
    NUUK,
    "2026-01-01T00:00Z",
    ["2026-03-29T01:00Z", "2027-03-29T00:30Z"],
    "once a year, in the gap before midnight",
  ],
  [
    "0 0,23 * * *",
    NUUK,
    "2026-03-28T12:00Z",
    ["2026-03-29T01:00Z", "2026-03-30T00:00Z", "2026-03-30T01:00Z"],
    "the gap before midnight and its end come once",
  ],
  [
    "*/30 23 * * *",
    NUUK,
    "2026-03-28T12:00Z",
    ["2026-03-30T00:00Z", "2026-03-30T00:30Z"],
    "no time of the day has nothing in the gap before midnight",
  ],
  [
    "45 23 * * *",
    PYONGYANG,
    "2018-05-03T18:00Z",
    ["2018-05-04T15:00Z", "2018-05-05T14:45Z"],
    "half an hour before midnight, once and for all",
  ],
  [
    "0 12,23 30 12 *",
    APIA,
    "2011-01-01T00:00Z",
    ["2012-12-29T22:00Z", "2012-12-30T09:00Z"],
    "a day that was left out has no times",
  ],
  [
    "15 2 * * *",
    HOWE,
    "2026-10-02T16:00Z",
    ["2026-10-03T15:30Z", "2026-10-04T15:15Z"],
    "a gap of half an hour",
  ],
  [
    "15 30 2 * * *",
    OSLO,
    "2026-03-28T12:00Z",
    ["2026-03-29T01:00Z", "2026-03-30T00:30:15Z"],
    "with a second",
  ],

  // Times of the day that come twice count once, the first time.
  [
    "30 2 * * *",
    OSLO,
    "2026-10-23T12:00Z",
    ["2026-10-24T00:30Z", "2026-10-25T00:30Z", "2026-10-26T01:30Z"],
    "twice",
  ],
  [
    "0 3 * * *",
    OSLO,
    "2026-10-24T12:00Z",
    ["2026-10-25T02:00Z", "2026-10-26T02:00Z"],
    "after the repeated hour",
  ],
  ["30 2 * * *", OSLO, "2026-10-25T00:45Z", ["2026-10-26T01:30Z"], "asked between the two"],
  ["30 1 * * *", YORK, "2026-10-31T12:00Z", ["2026-11-01T05:30Z", "2026-11-02T06:30Z"], "twice"],
  [
    "30 23 * * *",
    CAIRO,
    "2026-10-28T12:00Z",
    ["2026-10-28T20:30Z", "2026-10-29T20:30Z", "2026-10-30T21:30Z"],
    "twice, before midnight",
  ],
  [
    "0 0 * * *",
    CAIRO,
    "2026-10-28T12:00Z",
    ["2026-10-28T21:00Z", "2026-10-29T22:00Z"],
    "midnight comes once",
  ],
  [
    "45 1 * * *",
    HOWE,
    "2026-04-03T15:00Z",
    ["2026-04-04T14:45Z", "2026-04-05T15:15Z"],
    "twice within half an hour",
  ],
  [
    "0 9 * * mon-fri",
    YORK,
    "2026-03-06T12:00Z",
    ["2026-03-06T14:00Z", "2026-03-09T13:00Z"],
    "a working day on either side",
  ],

  // Everything else goes by what the clocks show.
  [
    "*/30 * * * *",
    OSLO,
    "2026-03-29T00:15Z",
    ["2026-03-29T00:30Z", "2026-03-29T01:00Z", "2026-03-29T01:30Z"],
    "over the gap",
  ],
  [
    "*/30 * * * *",
    OSLO,
    "2026-10-25T00:15Z",
    ["2026-10-25T00:30Z", "2026-10-25T01:00Z", "2026-10-25T01:30Z", "2026-10-25T02:00Z"],
    "through the repeated hour",
  ],
  [
    "0 * * * *",
    OSLO,
    "2026-03-28T23:30Z",
    ["2026-03-29T00:00Z", "2026-03-29T01:00Z", "2026-03-29T02:00Z"],
    "hourly over the gap",
  ],
  [
    "@hourly",
    OSLO,
    "2026-10-24T23:30Z",
    ["2026-10-25T00:00Z", "2026-10-25T01:00Z", "2026-10-25T02:00Z"],
    "hourly through the repeated hour",
  ],
  [
    "0 */2 * * *",
    OSLO,
    "2026-03-28T22:30Z",
    ["2026-03-28T23:00Z", "2026-03-29T02:00Z", "2026-03-29T04:00Z"],
    "02:00 is not shown",
  ],
  [
    "0 */2 * * *",
    OSLO,
    "2026-10-24T21:00Z",
    ["2026-10-24T22:00Z", "2026-10-25T00:00Z", "2026-10-25T01:00Z", "2026-10-25T03:00Z"],
    "02:00 is shown twice",
  ],
  ["*/15 2 * * *", OSLO, "2026-03-28T02:00Z", ["2026-03-30T00:00Z"], "nothing in the gap"],
  [
    "*/30 1 * * *",
    YORK,
    "2026-10-31T12:00Z",
    [
      "2026-11-01T05:00Z",
      "2026-11-01T05:30Z",
      "2026-11-01T06:00Z",
      "2026-11-01T06:30Z",
      "2026-11-02T06:00Z",
    ],
    "the hour twice",
  ],
  [
    "0 * * * *",
    YORK,
    "2026-03-08T05:30Z",
    ["2026-03-08T06:00Z", "2026-03-08T07:00Z", "2026-03-08T08:00Z"],
    "hourly over the gap",
  ],
  [
    "0 * * * *",
    CAIRO,
    "2026-10-29T19:30Z",
    ["2026-10-29T20:00Z", "2026-10-29T21:00Z", "2026-10-29T22:00Z"],
    "hourly through the repeated hour",
  ],
  [
    "*/30 * * * *",
    CAIRO,
    "2026-04-23T21:10Z",
    ["2026-04-23T21:30Z", "2026-04-23T22:00Z", "2026-04-23T22:30Z"],
    "over the gap at midnight",
  ],
  [
    "*/30 * * * *",
    HOWE,
    "2026-04-04T14:10Z",
    ["2026-04-04T14:30Z", "2026-04-04T15:00Z", "2026-04-04T15:30Z"],
    "through the repeated half hour",
  ],
  [
    "0 * * * *",
    HOWE,
    "2026-10-03T14:00Z",
    ["2026-10-03T14:30Z", "2026-10-03T16:00Z"],
    "02:00 is not shown, as it is 02:30",
  ],
  [
    "*/20 * * * * *",
    "UTC",
    "2026-01-01T00:00:05Z",
    ["2026-01-01T00:00:20Z", "2026-01-01T00:00:40Z", "2026-01-01T00:01:00Z"],
    "seconds",
  ],

  // Days.
  [
    "0 0 29 2 *",
    "UTC",
    "2026-01-01T00:00Z",
    ["2028-02-29T00:00Z", "2032-02-29T00:00Z"],
    "leap days",
  ],
  ["0 0 29 2 *", "UTC", "2096-03-01T00:00Z", ["2104-02-29T00:00Z"], "2100 has none"],
  [
    "0 0 31 * *",
    "UTC",
    "2026-01-01T00:00Z",
    ["2026-01-31T00:00Z", "2026-03-31T00:00Z", "2026-05-31T00:00Z", "2026-07-31T00:00Z"],
    "months with 31 days",
  ],
  [
    "0 0 L * *",
    "UTC",
    "2028-01-15T00:00Z",
    ["2028-01-31T00:00Z", "2028-02-29T00:00Z", "2028-03-31T00:00Z"],
    "the last day",
  ],
  [
    "0 0 1,L * *",
    "UTC",
    "2026-01-31T12:00Z",
    ["2026-02-01T00:00Z", "2026-02-28T00:00Z", "2026-03-01T00:00Z"],
    "the first day and the last",
  ],
  [
    "0 0 LW * *",
    "UTC",
    "2026-01-01T00:00Z",
    ["2026-01-30T00:00Z", "2026-02-27T00:00Z", "2026-03-31T00:00Z"],
    "the last working day",
  ],
  [
    "0 0 15W * *",
    "UTC",
    "2026-02-01T00:00Z",
    ["2026-02-16T00:00Z", "2026-03-16T00:00Z", "2026-04-15T00:00Z"],
    "the nearest working day",
  ],
  ["0 0 1W 8 *", "UTC", "2026-01-01T00:00Z", ["2026-08-03T00:00Z"], "not in the month before"],
  [
    "0 9 * * fri#2",
    "UTC",
    "2026-01-01T00:00Z",
    ["2026-01-09T09:00Z", "2026-02-13T09:00Z"],
    "the second Friday",
  ],
  [
    "0 9 * * friL",
    "UTC",
    "2026-01-01T00:00Z",
    ["2026-01-30T09:00Z", "2026-02-27T09:00Z"],
    "the last Friday",
  ],
  [
    "0 0 * * mon#5",
    "UTC",
    "2026-01-01T00:00Z",
    ["2026-03-30T00:00Z", "2026-06-29T00:00Z", "2026-08-31T00:00Z"],
    "the fifth Monday, where there is one",
  ],
  [
    "0 0 13 * fri",
    "UTC",
    "2026-02-07T00:00Z",
    ["2026-02-13T00:00Z", "2026-02-20T00:00Z", "2026-02-27T00:00Z", "2026-03-06T00:00Z"],
    "either day will do",
  ],
  [
    "0 0 */2 * mon",
    "UTC",
    "2026-02-01T12:00Z",
    ["2026-02-09T00:00Z", "2026-02-23T00:00Z", "2026-03-09T00:00Z"],
    "both have to fit where one begins with *",
  ],
  ["0 0 * * 7", "UTC", "2026-02-02T00:00Z", ["2026-02-08T00:00Z"], "7 is Sunday"],
  [
    "0 0 * * fri-sun",
    "UTC",
    "2026-02-02T00:00Z",
    ["2026-02-06T00:00Z", "2026-02-07T00:00Z", "2026-02-08T00:00Z", "2026-02-13T00:00Z"],
    "a range to Sunday",
  ],
  [
    "0 0 1 jan,jul ?",
    "UTC",
    "2026-02-02T00:00Z",
    ["2026-07-01T00:00Z", "2027-01-01T00:00Z"],
    "names of months",
  ],
  [
    "59 59 23 31 12 *",
    "UTC",
    "2026-06-01T00:00Z",
    ["2026-12-31T23:59:59Z", "2027-12-31T23:59:59Z"],
    "the last second of a year",
  ],
  [
    "@yearly",
    OSLO,
    "2026-06-01T00:00Z",
    ["2026-12-31T23:00Z", "2027-12-31T23:00Z"],
    "new year of a zone",
  ],
  [
    "@monthly",
    "UTC",
    "2026-12-31T23:59:59.999Z",
    ["2027-01-01T00:00Z", "2027-02-01T00:00Z"],
    "over the end of a year",
  ],
  ["@weekly", "UTC", "2026-12-28T00:00Z", ["2027-01-03T00:00Z"], "Sunday"],
  ["0 17 31 12 *", YORK, "2026-06-01T00:00Z", ["2026-12-31T22:00Z"], "the last day of a year"],

  // Lengths of time know no zone.
  [
    "every 90s",
    OSLO,
    "2026-03-29T00:59:00Z",
    ["2026-03-29T01:00:00Z", "2026-03-29T01:01:30Z"],
    "over a gap",
  ],
  [
    "every 1d",
    YORK,
    "2026-03-07T12:00Z",
    ["2026-03-08T00:00Z", "2026-03-09T00:00Z"],
    "days of 24 hours, from midnight UTC",
  ],
  [
    "every 7m",
    "UTC",
    "1970-01-01T00:00:00.001Z",
    ["1970-01-01T00:07Z", "1970-01-01T00:14Z"],
    "counted from 1970",
  ],
];

/** Refused, with what is underlined. */
const refused: readonly (readonly [
  schedule: string,
  zone: string,
  underlined: readonly string[],
  message: RegExp,
  hint: RegExp,
])[] = [
  ["0 0 30 2 *", "UTC", ["0 0 30 2 *"], /never fires/, /the month has/],
  ["0 0 31 4,6,9,11 *", "UTC", ["0 0 31 4,6,9,11 *"], /never fires/, /L for its last/],
  ["*/10 2 * 3 sunL", OSLO, ["*/10 2 * 3 sunL"], /never fires/, /the clocks show/],
  ["every 200000d", "UTC", ["200000d"], /never fires/, /shorter/],
  [
    "0 9 * * *",
    "Europe/Olso",
    ["Europe/Olso"],
    /no time zone is named "Europe\/Olso"/,
    /"Europe\/Oslo"/,
  ],
  ["0 9 * * *", "+02:00", ["+02:00"], /no time zone/, /IANA/],
  ["0 9 * * *", "", [""], /no time zone/, /UTC/],
  ["60 * * * *", "UTC", ["60"], /"60" is no minute/, /0 to 59/],
  ["*/5 60 * * * *", "UTC", ["60"], /"60" is no minute/, /0 to 59/],
  ["0 9 0 * *", "UTC", ["0"], /"0" is no day of the month/, /1 to 31/],
  ["0 9 * * mon-fir", "UTC", ["mon-fir"], /"mon-fir" is no day of the week/, /sun to sat/],
  ["0 9 * 1,13,foo *", "UTC", ["13", "foo"], /"13" is no month/, /jan to dec/],
  ["0 9 * * fri#6", "UTC", ["fri#6"], /is no day of the week/, /fri#2/],
  ["0 9 L,LW * *", "UTC", ["LW"], /is no day of the month/, /LW/],
  ["5/15 * * * *", "UTC", ["5/15"], /has no range/, /5-59\/15/],
  ["*/61 * * * *", "UTC", ["*/61"], /"61" is no step/, /1 to 60/],
  ["*/0 * * * *", "UTC", ["*/0"], /"0" is no step/, /1 to 60/],
  ["0 22-6 * * *", "UTC", ["22-6"], /begins after its end/, /22-23,0-6/],
  ["0 0 * * fri-mon", "UTC", ["fri-mon"], /begins after its end/, /fri-sat,sun-mon/],
  ["0 9,,10 * * *", "UTC", [","], /empty part/, /0 to 23/],
  ["0 9 * *", "UTC", ["0 9 * *"], /this one has 4/, /minute, hour/],
  ["0 0 9 * * * 2026", "UTC", ["0 0 9 * * * 2026"], /this one has 7/, /minute, hour/],
  ["", "UTC", [""], /this one has 0/, /minute, hour/],
  ["2026-01-01T00:00:00Z", "UTC", ["2026-01-01T00:00:00Z"], /this one has 1/, /minute, hour/],
  ["@reboot", "UTC", ["@reboot"], /no schedule is named/, /@daily/],
  ["daily", "UTC", ["daily"], /no schedule is named/, /write @daily/],
  ["5m", "UTC", ["5m"], /this one has 1/, /write every 5m/],
  ["every 90", "UTC", ["90"], /one duration/, /every 90s/],
  ["every", "UTC", ["every"], /one duration/, /every 15m/],
  ["every 999ms", "UTC", ["999ms"], /at least 1s/, /every 90s/],
  ["every 1000.5ms", "UTC", ["1000.5ms"], /whole milliseconds/, /1ms/],
  ["0 25 * * *", "Mars/Base", ["Mars/Base", "25"], /no time zone/, /IANA|did you mean/],
];

const instant = (text: string) => Date.parse(text.length === 17 ? text.replace("Z", ":00Z") : text);
const iso = (ms: number | undefined) => (ms === undefined ? "never" : new Date(ms).toISOString());

function scheduleOf(text: string, zone: string): Schedule {
  const read = parseSchedule(text, zone);
  assert.ok("schedule" in read, JSON.stringify(read));
  return read.schedule;
}

describe("what comes next", () => {
  for (const [text, zone, after, expected, why] of table) {
    test(`${text} in ${zone} after ${after}: ${why}`, () => {
      const schedule = scheduleOf(text, zone);
      let at: number | undefined = instant(after);
      const found = expected.map(() => {
        at = at === undefined ? undefined : schedule.next(at);
        return iso(at);
      });
      assert.deepEqual(
        found,
        expected.map((moment) => iso(instant(moment))),
      );
      // The way back is the same.
      const back = expected
        .toReversed()
        .map((moment) => iso(schedule.previous(instant(moment) + 1)));
      assert.deepEqual(back, found.toReversed());
    });
  }
});

describe("what is refused", () => {
  for (const [text, zone, underlined, message, hint] of refused) {
    test(`${JSON.stringify(text)} in ${JSON.stringify(zone)}`, () => {
      const read = parseSchedule(text, zone);
      assert.ok("problems" in read);
      const marked = read.problems.map((problem) =>
        (problem.of === "schedule" ? text : zone).slice(problem.start, problem.end),
      );
      assert.deepEqual(marked, underlined);
      const [first] = read.problems;
      assert.match(first?.message ?? "", message);
      assert.match(first?.hint ?? "", hint);
    });
  }
});
