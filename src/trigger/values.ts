import { canonicalText, textHash } from "../lib/hash.ts";
import type { Json } from "../lib/json.ts";
import { durationText } from "./literals.ts";
import type { TypeName } from "./value-types.ts";

/** A length of time. */
export class Duration {
  readonly ms: number;
  constructor(ms: number) {
    this.ms = ms;
  }
}

/** A moment, in milliseconds since 1970. */
export class Timestamp {
  readonly ms: number;
  constructor(ms: number) {
    this.ms = ms;
  }
}

/** A run-time error as a value: it goes up until something decides without it. */
export class Fault {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** The one absorbing value: there is nothing here. */
class Missing {
  readonly isMissing = true;
}
export const MISSING: Missing = new Missing();

export type ValueMap = { readonly [key: string]: Value };
export type Value =
  | number
  | string
  | boolean
  | null
  | Duration
  | Timestamp
  | Fault
  | Missing
  | readonly Value[]
  | ValueMap;

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isMap(value: Value): value is ValueMap {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Duration) &&
    !(value instanceof Timestamp) &&
    !(value instanceof Fault) &&
    value !== MISSING
  );
}

/** What an operation gives that lacks one of its operands: the fault, else missing, else undefined when all are there. */
export function lacking(a: Value, b: Value = 0): Value | undefined {
  if (a instanceof Fault) return a;
  if (b instanceof Fault) return b;
  return a === MISSING || b === MISSING || a === null || b === null ? MISSING : undefined;
}

/** The name of the type of a value at run time. */
export function typeNameOf(value: Value): TypeName | "missing" | "error" {
  if (value === null) return "null";
  switch (typeof value) {
    case "number":
      return "number";
    case "string":
      return "string";
    case "boolean":
      return "bool";
    default:
      if (value instanceof Duration) return "duration";
      if (value instanceof Timestamp) return "timestamp";
      if (value instanceof Fault) return "error";
      if (value === MISSING) return "missing";
      return Array.isArray(value) ? "list" : "map";
  }
}

/** Whether two values are the same, however deep. Values of two types are not; `count` is asked before each step. */
export function same(a: Value, b: Value, count: () => boolean): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof Duration) return b instanceof Duration && a.ms === b.ms;
  if (a instanceof Timestamp) return b instanceof Timestamp && a.ms === b.ms;
  if (!count()) return false;
  if (isList(a))
    return (
      isList(b) && a.length === b.length && a.every((item, at) => same(item, b[at] ?? null, count))
    );
  if (!isMap(a) || !isMap(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && same(a[key] ?? null, b[key] ?? null, count))
  );
}

/** A moment as text: ISO 8601 in UTC, milliseconds only where there are some. */
export function timestampText(ms: number): string {
  const moment = new Date(ms);
  return Number.isNaN(moment.getTime()) ? "never" : moment.toISOString().replace(".000Z", "Z");
}

/** The value as JSON; lengths of time and moments are their text, and missing is null. */
export function jsonOf(value: Value): Json {
  if (value instanceof Duration) return durationText(value.ms);
  if (value instanceof Timestamp) return timestampText(value.ms);
  if (value instanceof Fault || value === MISSING) return null;
  if (isList(value)) return value.map(jsonOf);
  if (isMap(value))
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, jsonOf(each)]));
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return value as Json;
}

/** The value as a person reads it in a message. */
export function textOf(value: Value): string {
  if (typeof value === "string") return value;
  if (value === MISSING) return "missing";
  if (value instanceof Fault) return `error: ${value.message}`;
  const json = jsonOf(value);
  return typeof json === "string" ? json : JSON.stringify(json);
}

/** The canonical JSON of a value: the order of keys does not count. */
export function canonicalOf(value: Value): string {
  return canonicalText(jsonOf(value));
}

/** SHA-256 of the canonical JSON. */
export function hashOf(value: Value): string {
  return textHash(canonicalOf(value));
}
