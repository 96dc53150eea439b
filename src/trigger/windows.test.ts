// Goal: a window of the day is open when the clocks of its zone say so, on both sides of summer time and around the world.
// Method: tables of moments in UTC beside what the clocks show; every minute of the days of change against the clock of Intl.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Window } from "./ast.ts";
import { parseTriggerText } from "./parse.ts";
import { isInside } from "./windows.ts";
import { isZone, wallClock } from "./zones.ts";

function windowOf(text: string): Window {
  const { tree, problems } = parseTriggerText(`ok ${text}`);
  assert.deepEqual(problems, []);
  assert.ok(tree?.between !== undefined);
  return tree.between;
}

const cases: readonly {
  readonly window: string;
  readonly inside: readonly string[];
  readonly outside: readonly string[];
}[] = [
  {
    window: 'between 09:00 and 17:00 on mon..fri in "Europe/Oslo"',
    // Winter is one hour before UTC, summer two.
    inside: ["2026-11-20T08:00", "2026-11-20T15:59", "2026-07-03T07:00", "2026-07-03T14:59"],
    outside: [
      "2026-11-20T07:59",
      "2026-11-20T16:00",
      "2026-07-03T06:59",
      "2026-07-03T15:00",
      "2026-11-21T10:00",
    ],
  },
  {
    // 2026-03-29: 02:00 to 03:00 does not come.
    window: 'between 01:30 and 03:30 in "Europe/Oslo"',
    inside: ["2026-03-29T00:30", "2026-03-29T00:59", "2026-03-29T01:00", "2026-03-29T01:29"],
    outside: ["2026-03-29T00:29", "2026-03-29T01:30"],
  },
  {
    // 2026-10-25: 02:00 to 03:00 comes twice.
    window: 'between 02:00 and 03:00 in "Europe/Oslo"',
    inside: ["2026-10-25T00:00", "2026-10-25T00:59", "2026-10-25T01:00", "2026-10-25T01:59"],
    outside: ["2026-10-24T23:59", "2026-10-25T02:00"],
  },
  {
    // Spring forward on 2026-03-08, back on 2026-11-01.
    window: 'between 22:00 and 02:00 on sat in "America/New_York"',
    inside: [
      "2026-03-08T03:00",
      "2026-03-08T06:59",
      "2026-11-01T02:00",
      "2026-11-01T05:59",
      "2026-11-01T06:00",
      "2026-11-01T06:59",
    ],
    outside: ["2026-03-08T02:59", "2026-03-08T07:00", "2026-11-01T07:00", "2026-03-07T05:00"],
  },
  {
    // Summer time begins on the last Friday of April, at midnight: that hour does not come.
    window: 'between 00:00 and 01:00 in "Africa/Cairo"',
    inside: ["2026-04-22T22:00", "2026-04-24T21:00", "2026-10-28T21:30"],
    outside: ["2026-04-23T22:00", "2026-04-23T21:59", "2026-04-24T22:00"],
  },
  {
    // The clocks move by half an hour.
    window: 'between 01:30 and 02:00 in "Australia/Lord_Howe"',
    inside: ["2026-04-04T14:30", "2026-04-04T14:59", "2026-04-04T15:00", "2026-04-04T15:29"],
    outside: ["2026-04-04T14:29", "2026-04-04T15:30"],
  },
  {
    window: 'between 22:00 and 06:00 on fri, sun in "UTC"',
    inside: ["2026-11-20T22:00", "2026-11-21T05:59", "2026-11-22T23:00", "2026-11-23T00:00"],
    outside: ["2026-11-20T05:00", "2026-11-21T06:00", "2026-11-21T22:00", "2026-11-23T22:00"],
  },
  {
    window: "between 22:00 and 00:00 on sat..mon",
    inside: ["2026-11-21T23:59", "2026-11-22T22:00", "2026-11-23T22:00"],
    outside: ["2026-11-22T00:00", "2026-11-24T22:00", "2026-11-20T22:00"],
  },
];

for (const { window, inside, outside } of cases) {
  for (const [moments, wanted] of [
    [inside, true],
    [outside, false],
  ] as const)
    for (const moment of moments)
      test(`${window}: ${moment} is ${wanted ? "inside" : "outside"}`, () => {
        assert.equal(isInside(windowOf(window), Date.parse(`${moment}:00Z`), "UTC"), wanted);
      });
}

test("the zone of the manifest holds where the clause names none", () => {
  const window = windowOf("between 09:00 and 10:00");
  const at = Date.parse("2026-11-20T08:30:00Z");
  assert.equal(isInside(window, at, "Europe/Oslo"), true);
  assert.equal(isInside(window, at, "UTC"), false);
});

const changes = [
  ["Europe/Oslo", "2026-03-29"],
  ["Europe/Oslo", "2026-10-25"],
  ["America/New_York", "2026-03-08"],
  ["America/New_York", "2026-11-01"],
  ["Africa/Cairo", "2026-04-23"],
  ["Africa/Cairo", "2026-10-29"],
  ["Australia/Lord_Howe", "2026-04-04"],
  ["Australia/Lord_Howe", "2026-10-03"],
  ["UTC", "2026-06-01"],
] as const;

for (const [zone, day] of changes) {
  test(`${zone} around ${day}: the clock is that of Intl at every minute, and a whole day is covered once`, () => {
    const start = Date.parse(`${day}T00:00:00Z`) - 12 * 3_600_000;
    const shown = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
    const halves = [
      windowOf("between 00:00 and 12:00"),
      windowOf("between 12:00 and 00:00"),
    ] as const;
    for (let minute = 0; minute < 48 * 60; minute += 7) {
      const at = start + minute * 60_000;
      const clock = wallClock(at, zone);
      const text = `${clock.toUTCString().slice(0, 3)} ${clock.toISOString().slice(11, 16)}`;
      assert.equal(text, shown.format(at).replace(",", ""));
      const [morning, evening] = halves.map((half) => isInside(half, at, zone));
      assert.notEqual(morning, evening);
    }
  });
}

test("names of zones are known, offsets and nonsense are not", () => {
  for (const zone of ["UTC", "Europe/Oslo", "America/New_York", "Etc/GMT+5"])
    assert.ok(isZone(zone), zone);
  for (const zone of ["Mars/Base", "", "+01:00", "Oslo", "Europe/Oslo "])
    assert.ok(!isZone(zone), zone);
});
