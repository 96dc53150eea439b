import { type LinearPattern, linearPattern } from "../lib/patterns.ts";
import type { BinaryOperator } from "./ast.ts";
import { TEXT_CHARS_MAX } from "./bounds.ts";
import { type Frame, searchSteps, spend, tooManySteps } from "./frame.ts";
import type { TypeName } from "./value-types.ts";
import {
  Duration,
  Fault,
  isList,
  isMap,
  lacking,
  MISSING,
  same,
  Timestamp,
  typeNameOf,
  type Value,
} from "./values.ts";

type Operation = (a: Value, b: Value, frame: Frame) => Value;

/** What an arithmetic operator takes and gives; the checker reads it. Lists are joined by `+` as well. */
export const arithmetic: Readonly<
  Record<"+" | "-" | "*" | "/" | "%", readonly (readonly [TypeName, TypeName, TypeName])[]>
> = {
  "+": [
    ["number", "number", "number"],
    ["string", "string", "string"],
    ["duration", "duration", "duration"],
    ["timestamp", "duration", "timestamp"],
    ["duration", "timestamp", "timestamp"],
    ["list", "list", "list"],
  ],
  "-": [
    ["number", "number", "number"],
    ["duration", "duration", "duration"],
    ["timestamp", "duration", "timestamp"],
    ["timestamp", "timestamp", "duration"],
  ],
  "*": [
    ["number", "number", "number"],
    ["duration", "number", "duration"],
    ["number", "duration", "duration"],
  ],
  "/": [
    ["number", "number", "number"],
    ["duration", "number", "duration"],
    ["duration", "duration", "number"],
  ],
  "%": [["number", "number", "number"]],
};

/** The types whose values have an order. */
export const ordered: readonly TypeName[] = ["number", "string", "bool", "duration", "timestamp"];

function add(a: Value, b: Value, frame: Frame): Value {
  if (typeof a === "number" && typeof b === "number") return a + b;
  if (typeof a === "string" && typeof b === "string")
    return textOfLength(a.length + b.length, frame, () => a + b);
  if (a instanceof Duration && b instanceof Duration) return new Duration(a.ms + b.ms);
  if (a instanceof Timestamp && b instanceof Duration) return new Timestamp(a.ms + b.ms);
  if (a instanceof Duration && b instanceof Timestamp) return new Timestamp(a.ms + b.ms);
  if (isList(a) && isList(b))
    return spend(frame, a.length + b.length) ? [...a, ...b] : tooManySteps;
  return mismatch("+", a, b);
}

function subtract(a: Value, b: Value): Value {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (a instanceof Duration && b instanceof Duration) return new Duration(a.ms - b.ms);
  if (a instanceof Timestamp && b instanceof Timestamp) return new Duration(a.ms - b.ms);
  if (a instanceof Timestamp && b instanceof Duration) return new Timestamp(a.ms - b.ms);
  return mismatch("-", a, b);
}

function multiply(a: Value, b: Value): Value {
  if (typeof a === "number" && typeof b === "number") return a * b;
  if (a instanceof Duration && typeof b === "number") return new Duration(a.ms * b);
  if (typeof a === "number" && b instanceof Duration) return new Duration(a * b.ms);
  return mismatch("*", a, b);
}

function divide(a: Value, b: Value): Value {
  if (typeof b === "number") {
    if (typeof a === "number") return b === 0 ? MISSING : a / b;
    if (a instanceof Duration) return b === 0 ? MISSING : new Duration(a.ms / b);
  }
  if (a instanceof Duration && b instanceof Duration) return b.ms === 0 ? MISSING : a.ms / b.ms;
  return mismatch("/", a, b);
}

function remainder(a: Value, b: Value): Value {
  if (typeof a === "number" && typeof b === "number") return b === 0 ? MISSING : a % b;
  return mismatch("%", a, b);
}

function mismatch(operator: string, a: Value, b: Value): Value {
  return lacking(a, b) ?? new Fault(`no operator ${typeNameOf(a)} ${operator} ${typeNameOf(b)}`);
}

/** Makes a text unless it would be too long. */
export function textOfLength(length: number, frame: Frame, make: () => string): Value {
  if (length > TEXT_CHARS_MAX) return new Fault(`a text of more than ${TEXT_CHARS_MAX} characters`);
  return spend(frame, length >> 8) ? make() : tooManySteps;
}

/** Comparisons by the sign of the difference. Two types have no order. */
function comparison(
  operator: "<" | "<=" | ">" | ">=",
  holds: (a: never, b: never) => boolean,
): Operation {
  const test = holds as (a: unknown, b: unknown) => boolean;
  return (a, b) => {
    if (typeof a === "number" && typeof b === "number") return test(a, b);
    if (a instanceof Duration && b instanceof Duration) return test(a.ms, b.ms);
    if (typeof a === "string" && typeof b === "string") return test(a, b);
    if (a instanceof Timestamp && b instanceof Timestamp) return test(a.ms, b.ms);
    if (typeof a === "boolean" && typeof b === "boolean") return test(a, b);
    const left = typeNameOf(a);
    const right = typeNameOf(b);
    return lacking(a, b) ?? new Fault(`cannot compare ${left} with ${right} by ${operator}`);
  };
}

/** Equality: null is the same as missing; of two types no value is the same. */
function equal(a: Value, b: Value, frame: Frame): Value {
  if (a === null || b === null) {
    const other = a === null ? b : a;
    return other instanceof Fault ? other : other === null || other === MISSING;
  }
  const kind = typeof a;
  if (kind !== "object" && kind === typeof b) return a === b;
  const gap = lacking(a, b);
  if (gap !== undefined) return gap;
  const result = same(a, b, () => spend(frame, 1));
  return spend(frame, 0) ? result : tooManySteps;
}

function negated(value: Value): Value {
  return typeof value === "boolean" ? !value : value;
}

function within(a: Value, b: Value, frame: Frame): Value {
  if (a instanceof Fault) return a;
  if (isMap(b)) return typeof a === "string" ? Object.hasOwn(b, a) : (lacking(a) ?? false);
  if (!isList(b)) return lacking(b) ?? new Fault(`in takes a list or a map, not ${typeNameOf(b)}`);
  if (a === MISSING) return MISSING;
  if (!spend(frame, b.length)) return tooManySteps;
  return b.some((item) => same(a, item, () => spend(frame, 1)));
}

function contains(a: Value, b: Value, frame: Frame): Value {
  if (typeof a === "string" && typeof b === "string")
    return spend(frame, searchSteps(a, b)) ? a.includes(b) : tooManySteps;
  if (isList(a) || isMap(a)) return within(b, a, frame);
  const left = typeNameOf(a);
  return (
    lacking(a, b) ??
    new Fault(`contains takes a string, a list or a map, and ${left} contains no ${typeNameOf(b)}`)
  );
}

function onTexts(name: string, test: (a: string, b: string) => boolean): Operation {
  return (a, b) => {
    if (typeof a === "string" && typeof b === "string") return test(a, b);
    return (
      lacking(a, b) ??
      new Fault(`${name} takes two strings, not ${typeNameOf(a)} and ${typeNameOf(b)}`)
    );
  };
}

/** Matching, with the last pattern kept: patterns seldom come from data. */
export function matching(): Operation {
  let source: string | undefined;
  let pattern: LinearPattern | Fault | undefined;
  return (a, b, frame) => {
    if (typeof a !== "string" || typeof b !== "string")
      return (
        lacking(a, b) ??
        new Fault(`matches takes two strings, not ${typeNameOf(a)} and ${typeNameOf(b)}`)
      );
    if (b !== source) {
      source = b;
      pattern = patternOf(b);
    }
    if (pattern instanceof Fault || pattern === undefined) return pattern ?? MISSING;
    return spend(frame, 1 + (a.length >> 6)) ? pattern.test(a) : tooManySteps;
  };
}

/** A regular expression of the linear engine, or what is wrong with it. */
export function patternOf(source: string): LinearPattern | Fault {
  try {
    return linearPattern(source);
  } catch (error) {
    return new Fault(error instanceof Error ? error.message : String(error));
  }
}

/** What each operator does; `??` and `matches` are compiled apart. */
export const operations: Readonly<Record<Exclude<BinaryOperator, "??" | "matches">, Operation>> = {
  "+": add,
  "-": subtract,
  "*": multiply,
  "/": divide,
  "%": remainder,
  "<": comparison("<", (a, b) => a < b),
  "<=": comparison("<=", (a, b) => a <= b),
  ">": comparison(">", (a, b) => a > b),
  ">=": comparison(">=", (a, b) => a >= b),
  "==": equal,
  "!=": (a, b, frame) => negated(equal(a, b, frame)),
  in: within,
  "not in": (a, b, frame) => negated(within(a, b, frame)),
  contains,
  startsWith: onTexts("startsWith", (a, b) => a.startsWith(b)),
  endsWith: onTexts("endsWith", (a, b) => a.endsWith(b)),
};
