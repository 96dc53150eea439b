// Goal: the time is right in every zone, and a zone that does not exist is told with the one that was meant.
// Method: a clock that stands still, moments around changes of summer time, and every zone that there is.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { manualClock } from "../../lib/clock.ts";
import { type Workplace, workplace } from "../../testing/toolbox.ts";

let place: Workplace;
before(async () => {
  place = await workplace();
});
after(() => place[Symbol.asyncDispose]());

const at = (moment: string, config: object = {}) =>
  place.create({
    tools: { now: { type: "builtin", builtin: "now", config } },
    clock: manualClock(Date.parse(moment)),
  });

const rows = [
  {
    moment: "2026-01-15T12:30:45.678Z",
    timeZone: undefined,
    iso: "2026-01-15T12:30:45.678+00:00",
    weekday: "Thursday",
  },
  {
    moment: "2026-01-15T12:30:45.678Z",
    timeZone: "Europe/Berlin",
    iso: "2026-01-15T13:30:45.678+01:00",
    weekday: "Thursday",
  },
  {
    moment: "2026-03-29T00:59:59.000Z",
    timeZone: "Europe/Berlin",
    iso: "2026-03-29T01:59:59.000+01:00",
    weekday: "Sunday",
  },
  {
    moment: "2026-03-29T01:00:00.000Z",
    timeZone: "Europe/Berlin",
    iso: "2026-03-29T03:00:00.000+02:00",
    weekday: "Sunday",
  },
  {
    moment: "2026-12-31T23:30:00.000Z",
    timeZone: "Asia/Kathmandu",
    iso: "2027-01-01T05:15:00.000+05:45",
    weekday: "Friday",
  },
  {
    moment: "2026-01-01T00:00:00.000Z",
    timeZone: "America/New_York",
    iso: "2025-12-31T19:00:00.000-05:00",
    weekday: "Wednesday",
  },
  {
    moment: "2026-01-15T00:00:00.000Z",
    timeZone: "UTC",
    iso: "2026-01-15T00:00:00.000+00:00",
    weekday: "Thursday",
  },
];

for (const { moment, timeZone, iso, weekday } of rows) {
  test(`${moment} in ${timeZone ?? "no zone"} is ${iso}`, async () => {
    const box = await at(moment);
    const value = await box.value("now.now", timeZone === undefined ? {} : { timeZone });
    assert.deepEqual(value, {
      iso,
      epochMs: Date.parse(moment),
      timeZone: timeZone ?? "UTC",
      offset: iso.slice(-6),
      weekday,
    });
  });
}

test("in every zone the text is the same moment", async () => {
  const box = await at("2026-07-01T01:02:03.004Z");
  for (const timeZone of Intl.supportedValuesOf("timeZone")) {
    const { iso, epochMs } = (await box.value("now.now", { timeZone })) as {
      iso: string;
      epochMs: number;
    };
    assert.equal(Date.parse(iso), epochMs, timeZone);
  }
});

test("the zone of the config is the usual one", async () => {
  const box = await at("2026-01-15T12:00:00.000Z", { timeZone: "Asia/Tokyo" });
  const { timeZone } = (await box.value("now.now")) as { timeZone: string };
  assert.equal(timeZone, "Asia/Tokyo");
});

const unknown = [
  { timeZone: "Berlin", meant: "Europe/Berlin" },
  { timeZone: "new york", meant: "America/New_York" },
  { timeZone: "Europe/Berln", meant: "Europe/Berlin" },
];
for (const { timeZone, meant } of unknown) {
  test(`"${timeZone}" is told to be ${meant}`, async () => {
    const error = await (await at("2026-01-15T12:00:00.000Z")).error("now.now", { timeZone });
    assert.equal(error.code, "LEG4030");
    assert.equal(error.hint, `did you mean "${meant}"?`);
    assert.deepEqual(error.valid, [meant]);
  });
}

test("a name that is near none is told with some that exist, also in the config", async () => {
  const error = await (await at("2026-01-15T12:00:00.000Z")).error("now.now", { timeZone: "???" });
  assert.ok((error.valid ?? []).includes("UTC"));
  await assert.rejects(at("2026-01-15T12:00:00.000Z", { timeZone: "Nowhere/Land" }), {
    code: "LEG4030",
  });
});
