import type { Json } from "../lib/json.ts";
import { BIG_POLLS_MAX, BIG_TEXT_CHARS } from "./bounds.ts";
import {
  Duration,
  Fault,
  isList,
  isMap,
  MISSING,
  Timestamp,
  type Value,
  type ValueMap,
} from "./values.ts";

/** How much a history call has to remember: so many polls, of the last so many milliseconds. */
export interface Reach {
  readonly polls: number;
  readonly ms: number;
}

/** The samples of one history call, the oldest first. Values that went out of reach are forgotten. */
export class Ring {
  readonly reach: Reach;
  private times: number[] = [];
  private values: Value[] = [];
  /** Where the samples begin; those before it are cut off now and then. */
  private head = 0;

  constructor(reach: Reach) {
    this.reach = reach;
  }

  get length(): number {
    return this.times.length - this.head;
  }

  push(nowMs: number, value: Value): void {
    this.times.push(nowMs);
    this.values.push(kept(value, this.reach));
    const { polls, ms } = this.reach;
    while (this.length > polls || (this.length > 0 && (this.times[this.head] ?? 0) <= nowMs - ms))
      this.drop();
    if (this.head > 64 && this.head * 2 > this.times.length) {
      this.times = this.times.slice(this.head);
      this.values = this.values.slice(this.head);
      this.head = 0;
    }
  }

  private drop(): void {
    this.values[this.head] = MISSING;
    this.head += 1;
  }

  /** The value so many polls ago; 0 is the newest. */
  value(pollsAgo: number): Value {
    return pollsAgo < this.length
      ? (this.values[this.values.length - 1 - pollsAgo] ?? null)
      : MISSING;
  }

  time(pollsAgo: number): number {
    return this.times[this.times.length - 1 - pollsAgo] ?? Number.NaN;
  }

  save(): Json {
    return {
      times: this.times.slice(this.head),
      values: this.values.slice(this.head).map(saved),
    };
  }

  /** Takes up what `save` gave. Something else leaves the history empty. */
  restore(from: Json | undefined): void {
    if (typeof from !== "object" || from === null || Array.isArray(from)) return;
    const { times, values } = from;
    if (!Array.isArray(times) || !Array.isArray(values) || times.length !== values.length) return;
    if (!times.every((time) => typeof time === "number")) return;
    for (const [index, time] of times.entries()) this.push(time, restored(values[index] ?? null));
  }
}

const tooBig = new Fault(
  `history of more than ${BIG_POLLS_MAX} polls keeps numbers and short texts, no lists, maps and long texts`,
);

/** What a ring keeps of a value. An error is missing; a big value in a long history is an error when it is read. */
function kept(value: Value, { polls }: Reach): Value {
  if (value instanceof Fault) return MISSING;
  if (polls <= BIG_POLLS_MAX) return value;
  const isBig =
    isList(value) || isMap(value) || (typeof value === "string" && value.length > BIG_TEXT_CHARS);
  return isBig ? tooBig : value;
}

/** A value as JSON that says what it was. Everything that is no plain value is a list with a letter in front. */
export function saved(value: Value): Json {
  if (value instanceof Duration) return ["d", value.ms];
  if (value instanceof Timestamp) return ["t", value.ms];
  if (value instanceof Fault || value === MISSING) return ["m"];
  if (typeof value === "number" && !Number.isFinite(value)) return ["n", String(value)];
  if (isList(value)) return ["l", ...value.map(saved)];
  if (isMap(value))
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, saved(each)]));
  return value as Json;
}

/** The value that `saved` said. */
export function restored(from: Json): Value {
  if (!Array.isArray(from)) {
    if (typeof from !== "object" || from === null) return from;
    return Object.fromEntries(
      Object.entries(from).map(([key, each]) => [key, restored(each)]),
    ) as ValueMap;
  }
  const [letter, ...rest] = from;
  if (letter === "d") return new Duration(Number(rest[0]));
  if (letter === "t") return new Timestamp(Number(rest[0]));
  if (letter === "n") return Number(rest[0]);
  return letter === "l" ? rest.map(restored) : MISSING;
}
