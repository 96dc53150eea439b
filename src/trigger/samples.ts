import { DATA_DEPTH_MAX } from "./bounds.ts";
import type { Program } from "./compile.ts";
import type { Closure, Frame } from "./frame.ts";
import { momentOf } from "./functions-conversions.ts";
import { durationOf } from "./literals.ts";
import type { Roots } from "./roots.ts";
import type { Type } from "./value-types.ts";
import { Duration, Fault, isMap, MISSING, Timestamp, type Value } from "./values.ts";

/** What one poll of a source found: JSON by the names of its roots. Durations are milliseconds or text such as 250ms. */
export type Sample = Readonly<Record<string, unknown>>;

/** Whether values of the type need another form than they have in JSON. */
function isConverted(type: Type): boolean {
  if (type === "duration" || type === "timestamp") return true;
  if (typeof type === "string" || type.kind === "enum") return false;
  if (type.kind === "list") return isConverted(type.item);
  return type.fields === undefined
    ? isConverted(type.item)
    : Object.values(type.fields).some(isConverted);
}

function durationFrom(raw: unknown): Value {
  if (typeof raw === "number") return new Duration(raw);
  const ms = typeof raw === "string" ? durationOf(raw) : undefined;
  return ms === undefined
    ? new Fault("the source gave no duration where there is one")
    : new Duration(ms);
}

function timestampFrom(raw: unknown): Value {
  if (typeof raw === "number") return new Timestamp(raw);
  return typeof raw === "string"
    ? momentOf(raw)
    : new Fault("the source gave no timestamp where there is one");
}

/** The value of a root of a type. An unknown JavaScript value cannot come in: a sample is JSON. */
function valueFrom(type: Type, raw: unknown): Value {
  if (raw === null || raw instanceof Duration || raw instanceof Timestamp) return raw;
  if (type === "duration") return durationFrom(raw);
  if (type === "timestamp") return timestampFrom(raw);
  const value = raw as Value;
  if (typeof type === "string" || type.kind === "enum" || !isConverted(type)) return value;
  if (type.kind === "list")
    return Array.isArray(raw) ? raw.map((item) => valueFrom(type.item, item)) : value;
  if (!isMap(value)) return value;
  const entries = Object.entries(value).map(([key, each]) => {
    const fields = type.fields;
    const own = fields !== undefined && Object.hasOwn(fields, key) ? fields[key] : undefined;
    return [key, valueFrom(own ?? type.item, each)];
  });
  return Object.fromEntries(entries);
}

/** Evaluates the closures of a program against one sample after the other. */
export class Evaluator {
  readonly frame: Frame;
  private readonly slots: readonly {
    readonly name: string;
    readonly slot: number;
    readonly type: Type;
    readonly plain: boolean;
  }[];
  private readonly program: Program;

  constructor(program: Program, roots: Roots) {
    this.program = program;
    this.slots = [...program.slots].map(([name, slot]) => {
      const type = Object.hasOwn(roots, name) ? (roots[name] ?? "dyn") : "dyn";
      return { name, slot, type, plain: !isConverted(type) };
    });
    this.frame = {
      roots: this.slots.map(() => MISSING),
      locals: [],
      rings: program.rings,
      nowMs: 0,
      steps: 0,
    };
  }

  /** Takes up a sample; `now` and `poll` come from the machine unless the sample has them. */
  load(sample: Sample, nowMs: number, poll: number): void {
    const { frame } = this;
    frame.nowMs = nowMs;
    frame.steps = 0;
    for (const { name, slot, type, plain } of this.slots) {
      const raw = Object.hasOwn(sample, name) ? sample[name] : undefined;
      if (raw === undefined) frame.roots[slot] = this.ownValue(name, poll);
      else if (typeof raw === "object" && isDeeper(raw, DATA_DEPTH_MAX))
        frame.roots[slot] = new Fault(`${name} is nested more than ${DATA_DEPTH_MAX} deep`);
      else frame.roots[slot] = plain ? (raw as Value) : valueFrom(type, raw);
    }
  }

  /** What the machine knows where the sample says nothing. */
  private ownValue(name: string, poll: number): Value {
    if (name === "now") return new Timestamp(this.frame.nowMs);
    return name === "poll" ? poll : MISSING;
  }

  /** Puts the samples of this poll into the history; once for each poll, before anything reads it. */
  remember(): void {
    for (const { sample, ring, keeps } of this.program.sites) {
      const value = this.value(sample);
      const kept = keeps === undefined ? value : keeps(value);
      if (kept !== undefined) this.program.rings[ring]?.push(this.frame.nowMs, kept);
    }
  }

  value(closure: Closure): Value {
    return closure(this.frame);
  }
}

/** Whether lists and maps stand in each other more than so many deep. */
function isDeeper(raw: unknown, depth: number): boolean {
  if (typeof raw !== "object" || raw === null) return false;
  if (depth === 0) return true;
  return Object.values(raw).some((each) => isDeeper(each, depth - 1));
}
