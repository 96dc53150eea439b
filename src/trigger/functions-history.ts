import { BIG_TEXT_CHARS, WINDOW_POLLS_MAX } from "./bounds.ts";
import { type Frame, spend, tooManySteps } from "./frame.ts";
import { gives, type HistoryFunction, type HistoryWindow } from "./function-spec.ts";
import type { Reach, Ring } from "./history.ts";
import { nameOf, type Type } from "./value-types.ts";
import {
  Duration,
  Fault,
  hashOf,
  isList,
  isMap,
  MISSING,
  same,
  Timestamp,
  typeNameOf,
  type Value,
} from "./values.ts";

const firstType = (given: readonly Type[]): Type => given[0] ?? "dyn";
const AGES = Number.POSITIVE_INFINITY;

function windowReach({ polls, ms }: HistoryWindow): Reach {
  return { polls: polls ?? WINDOW_POLLS_MAX, ms: ms ?? AGES };
}

/** How many samples stand in the window; undefined while a window of polls is not full. */
function samplesIn(ring: Ring, { polls, ms }: HistoryWindow, nowMs: number): number | undefined {
  if (polls !== undefined) return ring.length >= polls ? polls : undefined;
  let count = 0;
  while (count < ring.length && ring.time(count) > nowMs - (ms ?? AGES)) count += 1;
  return count;
}

/** The numbers of the window, and whether they are lengths of time; missing samples are left out. */
function numbersIn(
  ring: Ring,
  window: HistoryWindow,
  frame: Frame,
): { numbers: number[]; isTime: boolean } | Value {
  const count = samplesIn(ring, window, frame.nowMs);
  if (count === undefined) return MISSING;
  if (!spend(frame, count)) return tooManySteps;
  const numbers: number[] = [];
  let times = 0;
  for (let at = 0; at < count; at += 1) {
    const value = ring.value(at);
    if (typeof value === "number") numbers.push(value);
    else if (value instanceof Duration) {
      numbers.push(value.ms);
      times += 1;
    } else if (value instanceof Fault) return value;
    else if (value !== MISSING && value !== null)
      return new Fault(`history of ${typeNameOf(value)} where numbers or durations are expected`);
  }
  if (times > 0 && times < numbers.length)
    return new Fault("history of numbers and durations mixed");
  return { numbers, isTime: times > 0 };
}

function aggregate(doc: string, compute: (numbers: number[]) => number): HistoryFunction {
  return {
    kind: "history",
    params: ["number|duration", "window"],
    result: "the same type",
    returns: firstType,
    doc,
    reach: windowReach,
    read: (ring, window, frame) => {
      const found = numbersIn(ring, window, frame);
      if (typeof found !== "object" || found === null || !("numbers" in found)) return found;
      const { numbers, isTime } = found as { numbers: number[]; isTime: boolean };
      if (numbers.length === 0) return MISSING;
      const result = compute(numbers);
      return isTime ? new Duration(result) : result;
    },
  };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
const mean = (numbers: readonly number[]) => sum(numbers) / numbers.length;

/** Nearest rank: the smallest sample that at least so many percent do not exceed. */
function percentile(percent: number): HistoryFunction {
  return aggregate(`the ${percent}th percentile of the window, by nearest rank`, (numbers) => {
    const sorted = Float64Array.from(numbers).sort();
    return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
  });
}

/** The difference of two samples, as a number; undefined when they have none. */
function difference(newer: Value, older: Value): number | undefined {
  if (typeof newer === "number" && typeof older === "number") return newer - older;
  if (newer instanceof Duration && older instanceof Duration) return newer.ms - older.ms;
  if (newer instanceof Timestamp && older instanceof Timestamp) return newer.ms - older.ms;
  return undefined;
}

function changed(ring: Ring, _window: HistoryWindow, frame: Frame, tolerance: Value): Value {
  if (ring.length < 2) return false;
  const newer = ring.value(0);
  const older = ring.value(1);
  if (newer === MISSING || older === MISSING) return newer !== older;
  const apart = difference(newer, older);
  const allowed = tolerance instanceof Duration ? tolerance.ms : tolerance;
  if (apart !== undefined && typeof allowed === "number") return Math.abs(apart) > allowed;
  if (tolerance instanceof Fault) return tolerance;
  return !same(newer, older, () => spend(frame, 1));
}

/** Whether a value is kept, in memory and over restarts, as its hash, which says as well whether it is another one. */
function isBig(value: Value): boolean {
  return (
    isList(value) || isMap(value) || (typeof value === "string" && value.length > BIG_TEXT_CHARS)
  );
}

function delta(ring: Ring): Value {
  const newer = ring.value(0);
  const apart = difference(newer, ring.value(1));
  if (apart === undefined) return MISSING;
  return typeof newer === "number" ? apart : new Duration(apart);
}

function rate(ring: Ring, window: HistoryWindow, frame: Frame): Value {
  const isWindow = window.polls !== undefined || window.ms !== undefined;
  const count = isWindow ? samplesIn(ring, window, frame.nowMs) : ring.length;
  if (count === undefined || !spend(frame, count))
    return count === undefined ? MISSING : tooManySteps;
  // The newest and the oldest that are there.
  let newest = 0;
  while (newest < count && ring.value(newest) === MISSING) newest += 1;
  let oldest = count - 1;
  while (oldest > newest && ring.value(oldest) === MISSING) oldest -= 1;
  const apart = oldest > newest ? difference(ring.value(newest), ring.value(oldest)) : undefined;
  const seconds = (ring.time(newest) - ring.time(oldest)) / 1000;
  return apart === undefined || !(seconds > 0) ? MISSING : apart / seconds;
}

function count(ring: Ring, window: HistoryWindow, frame: Frame): Value {
  const samples = samplesIn(ring, window, frame.nowMs);
  if (samples === undefined || !spend(frame, samples))
    return samples === undefined ? MISSING : tooManySteps;
  let found = 0;
  for (let at = 0; at < samples; at += 1) {
    const value = ring.value(at);
    if (value !== MISSING && value !== false) found += 1;
  }
  return found;
}

export const historyFunctions: Readonly<Record<string, HistoryFunction>> = {
  prev: {
    kind: "history",
    params: ["any", "polls?"],
    result: "the same type",
    returns: firstType,
    doc: "the value one poll ago, or so many polls ago",
    reach: ({ polls = 1 }) => ({ polls: polls + 1, ms: AGES }),
    read: (ring, { polls = 1 }) => ring.value(polls),
  },
  changed: {
    kind: "history",
    params: ["any", "number|duration?"],
    ...gives("bool"),
    doc: "whether the value differs from that of the poll before, by more than the tolerance; false on the first poll",
    reach: () => ({ polls: 2, ms: AGES }),
    keeps: (value) => (isBig(value) ? hashOf(value) : value),
    read: changed,
  },
  delta: {
    kind: "history",
    params: ["number|duration|timestamp"],
    result: "number or duration",
    returns: ([first = "dyn"]) => (nameOf(first) === "timestamp" ? "duration" : first),
    doc: "the value minus that of the poll before",
    reach: () => ({ polls: 2, ms: AGES }),
    read: delta,
  },
  rate: {
    kind: "history",
    params: ["number", "window?"],
    ...gives("number"),
    doc: "how much the number grows in a second, since the poll before or over the window",
    reach: (window) =>
      window.polls === undefined && window.ms === undefined
        ? { polls: 2, ms: AGES }
        : windowReach(window),
    read: rate,
  },
  since: {
    kind: "history",
    params: ["bool"],
    ...gives("duration"),
    doc: "how long ago the condition was true for the last time; missing when it never was",
    reach: () => ({ polls: 1, ms: AGES }),
    keeps: (value) => (value === true ? true : undefined),
    read: (ring, _window, frame) =>
      ring.length === 0 ? MISSING : new Duration(frame.nowMs - ring.time(0)),
  },
  count: {
    kind: "history",
    params: ["any", "window"],
    ...gives("number"),
    doc: "how many polls of the window had the value; of a condition, how many had it true",
    reach: windowReach,
    // Only whether there is something, and what a condition says, is counted.
    keeps: (value) =>
      value === MISSING || value instanceof Fault || value === false ? value : true,
    read: count,
  },
  sum: aggregate("the sum over the window", sum),
  avg: aggregate("the mean over the window", mean),
  min: aggregate("the smallest of the window", (numbers) =>
    numbers.reduce((a, b) => Math.min(a, b)),
  ),
  max: aggregate("the largest of the window", (numbers) =>
    numbers.reduce((a, b) => Math.max(a, b)),
  ),
  stddev: aggregate("the standard deviation over the window", (numbers) => {
    const middle = mean(numbers);
    return Math.sqrt(mean(numbers.map((each) => (each - middle) ** 2)));
  }),
  p50: percentile(50),
  p90: percentile(90),
  p95: percentile(95),
  p99: percentile(99),
};
