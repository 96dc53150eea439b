import { textHash } from "../lib/hash.ts";
import { spend, tooManySteps } from "./frame.ts";
import { gives, type PlainFunction } from "./function-spec.ts";
import type { Type } from "./value-types.ts";
import {
  canonicalOf,
  Duration,
  Fault,
  isMap,
  MISSING,
  Timestamp,
  textOf,
  type Value,
} from "./values.ts";

const firstType = (given: readonly Type[]): Type => given[0] ?? "dyn";
/** No number is longer that has fewer digits than all doubles have. */
const NUMBER_CHARS_MAX = 1100;
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const moment = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/;
/** The date of an HTTP header: `Fri, 20 Nov 2026 12:00:00 GMT`. */
const httpDate = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;
const FIRST_MS = Date.parse("0001-01-01T00:00:00Z");
const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");

function numberOf(value: Value): Value {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value instanceof Duration || value instanceof Timestamp) return value.ms / 1000;
  const text = String(value);
  if (text.length > NUMBER_CHARS_MAX) return new Fault(`${shortened(text)} is not a number`);
  return decimal.test(text.trim()) ? Number(text) : new Fault(`${shortened(text)} is not a number`);
}

/** A whole number that a CEL int can hold. */
function wholeOf(value: Value): Value {
  if (typeof value !== "number") return value;
  return Math.abs(value) < 2 ** 63 ? Math.trunc(value) : new Fault(`${value} is out of range`);
}

function boolOf(value: Value): Value {
  const text = String(value);
  if (/^(1|t|true|True|TRUE)$/.test(text)) return true;
  return /^(0|f|false|False|FALSE)$/.test(text)
    ? false
    : new Fault(`${shortened(text)} is no bool`);
}

/** The moment of a text, of seconds since 1970, or of itself. */
export function momentOf(value: Value): Timestamp | Fault {
  if (value instanceof Timestamp) return value;
  let ms: number;
  if (typeof value === "number") ms = value * 1000;
  else {
    const text = String(value);
    const match = moment.exec(text);
    // Without a zone it is UTC; a date alone is read as UTC anyway.
    const hasTime = text.length > 10;
    if (match !== null) ms = Date.parse(hasTime && match[1] === undefined ? `${text}Z` : text);
    else ms = httpDate.test(text) ? Date.parse(text) : Number.NaN;
  }
  return ms >= FIRST_MS && ms <= LAST_MS
    ? new Timestamp(ms)
    : new Fault(`${shortened(textOf(value))} is not a moment from the year 1 to 9999`);
}

function shortened(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}

/** Half away from zero, to so many digits behind the point. */
function rounded(value: number, digits: number): number {
  const factor = 10 ** digits;
  const scaled = Math.round(Math.abs(value) * factor) / factor;
  return Number.isFinite(scaled) ? Math.sign(value) * scaled : value;
}

export const conversions: Readonly<Record<string, PlainFunction>> = {
  number: {
    kind: "plain",
    params: ["number|string|bool|duration|timestamp"],
    ...gives("number"),
    doc: "the number that the string says; the seconds of a duration; the seconds of a timestamp since 1970",
    call: ([value = MISSING]) => numberOf(value),
  },
  double: {
    kind: "plain",
    params: ["number|string|bool|duration|timestamp"],
    ...gives("number"),
    doc: "the same as number(), by its name in CEL",
    call: ([value = MISSING]) => numberOf(value),
  },
  int: {
    kind: "plain",
    params: ["number|string|bool|duration|timestamp"],
    ...gives("number"),
    doc: "number() without what is behind the point",
    call: ([value = MISSING]) => wholeOf(numberOf(value)),
  },
  bool: {
    kind: "plain",
    params: ["bool|string"],
    ...gives("bool"),
    doc: "whether the string says true or false: also t, f, 1 and 0",
    call: ([value = MISSING]) => boolOf(value),
  },
  string: {
    kind: "plain",
    params: ["any"],
    ...gives("string"),
    doc: "the value as text; lists and maps as JSON",
    call: ([value = MISSING], frame) => {
      const text = textOf(value);
      return spend(frame, text.length >> 6) ? text : tooManySteps;
    },
  },
  timestamp: {
    kind: "plain",
    params: ["string|number|timestamp"],
    ...gives("timestamp"),
    doc: "the moment of an ISO 8601 text, of an HTTP date, or of seconds since 1970",
    call: ([value = MISSING]) => momentOf(value),
  },
  age: {
    kind: "plain",
    params: ["timestamp|string|number"],
    ...gives("duration"),
    doc: "how long ago the moment was",
    call: ([value = MISSING], { nowMs }) => {
      const at = momentOf(value);
      return at instanceof Fault ? at : new Duration(nowMs - at.ms);
    },
  },
  abs: {
    kind: "plain",
    params: ["number|duration"],
    result: "the same type",
    returns: firstType,
    doc: "the value without its sign",
    call: ([value = MISSING]) =>
      value instanceof Duration ? new Duration(Math.abs(value.ms)) : Math.abs(Number(value)),
  },
  round: {
    kind: "plain",
    params: ["number", "number?"],
    ...gives("number"),
    doc: "the nearest whole number, or the nearest with so many digits behind the point (at most 12)",
    call: ([value = 0, digits = 0]) =>
      rounded(Number(value), Math.max(0, Math.min(12, Math.trunc(Number(digits))))),
  },
  hash: {
    kind: "plain",
    params: ["any"],
    ...gives("string"),
    doc: "SHA-256 of the canonical JSON, hexadecimal",
    call: ([value = MISSING], frame) => {
      const text = canonicalOf(value);
      return spend(frame, 16 + (text.length >> 5)) ? textHash(text) : tooManySteps;
    },
  },
  exists: {
    kind: "plain",
    params: ["any"],
    ...gives("bool"),
    takesMissing: true,
    doc: "whether the value is there; null is",
    call: ([value = MISSING]) => (value instanceof Fault ? value : value !== MISSING),
  },
  has: {
    kind: "plain",
    params: ["any", "string?"],
    ...gives("bool"),
    takesMissing: true,
    doc: "whether the value is there, or whether the map has the key",
    call: ([value = MISSING, key]) => {
      if (value instanceof Fault) return value;
      if (key === undefined) return value !== MISSING;
      return isMap(value) && typeof key === "string" && Object.hasOwn(value, key);
    },
  },
};
