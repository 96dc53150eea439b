import { gives, type PlainFunction } from "./function-spec.ts";
import { Fault, MISSING, Timestamp } from "./values.ts";
import { isZone, offsetOf, wallClock } from "./zones.ts";

const DAY_MS = 86_400_000;

/** A field of what the clocks show at a moment; the names and the counting from 0 are CEL's. */
function clockField(doc: string, read: (clock: Date) => number): PlainFunction {
  return {
    kind: "plain",
    params: ["timestamp", "zone?"],
    ...gives("number"),
    doc: `${doc}; in UTC, or in the time zone or at the offset that is given`,
    call: ([at = MISSING, zone = "UTC"]) => {
      if (!(at instanceof Timestamp)) return MISSING;
      const name = String(zone);
      if (!isZone(name) && offsetOf(name) === undefined)
        return new Fault(`unknown time zone ${name.slice(0, 40)}`);
      return read(wallClock(at.ms, name));
    },
  };
}

export const timeFunctions: Readonly<Record<string, PlainFunction>> = {
  getFullYear: clockField("the year", (clock) => clock.getUTCFullYear()),
  getMonth: clockField("the month, January is 0", (clock) => clock.getUTCMonth()),
  getDate: clockField("the day of the month, from 1", (clock) => clock.getUTCDate()),
  getDayOfMonth: clockField("the day of the month, from 0", (clock) => clock.getUTCDate() - 1),
  getDayOfWeek: clockField("the day of the week, Sunday is 0", (clock) => clock.getUTCDay()),
  getDayOfYear: clockField("the day of the year, from 0", (clock) =>
    Math.floor((clock.getTime() - Date.UTC(clock.getUTCFullYear(), 0, 1)) / DAY_MS),
  ),
  getHours: clockField("the hour", (clock) => clock.getUTCHours()),
  getMinutes: clockField("the minute", (clock) => clock.getUTCMinutes()),
  getSeconds: clockField("the second", (clock) => clock.getUTCSeconds()),
  getMilliseconds: clockField("the millisecond", (clock) => clock.getUTCMilliseconds()),
};
