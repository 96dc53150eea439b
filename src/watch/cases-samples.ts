import { isObject, type JsonObject } from "../lib/json.ts";
import { describe } from "../lib/schema-issues.ts";
import { suggest } from "../lib/suggest.ts";
import { durationOf, durationText } from "../trigger/literals.ts";
import { type Roots, rootsOf, type Source } from "../trigger/roots.ts";
import type { Sample } from "../trigger/samples.ts";
import { nameOf, type Type } from "../trigger/value-types.ts";
import type { ReplayPoll } from "./cases.ts";

/** What of a written sample is about the poll; all else are the roots of its source. */
export const pollFields = ["at", "repeat", "firing"] as const;

/** How many polls one replay may have. */
export const REPLAY_POLLS_MAX = 100_000;

/** What is wrong with a written sample, and where in it. */
export interface SampleFault {
  /** Which of the samples, from 0. */
  readonly index: number;
  /** The field; undefined for the sample itself. */
  readonly field?: string;
  /** It is the name that is wrong, not the value. */
  readonly isName?: boolean;
  readonly message: string;
  readonly hint: string;
}

export interface Timing {
  readonly startMs: number;
  /** Between samples that do not tell their moment. */
  readonly everyMs: number;
}

/** What samples are of. */
export interface Sampled {
  readonly source: Source;
  /** What they may name. */
  readonly roots: Roots;
}

/** Which of its roots each source gives as `value` too. */
const valueRoots: Readonly<Partial<Record<Source, string>>> = {
  httpPoll: "status",
  fileWatch: "bytes",
  command: "exit",
  process: "count",
  tcpProbe: "open",
};

/** A sample with what its source adds to every one, where it is not written: `ok` and `value`. */
function completed(sample: JsonObject, { source, roots }: Sampled): Sample {
  const isOk = sample.error === undefined || sample.error === null;
  const root = valueRoots[source];
  const value =
    source === "custom" && isOk
      ? fieldsOf(sample, roots)
      : root === undefined
        ? undefined
        : sample[root];
  return { ok: isOk, ...(value !== undefined && { value }), ...sample };
}

/** Roots that every source has; what else a custom one has are the fields of its value. */
const commonRoots: readonly string[] = Object.keys(rootsOf("custom"));

function fieldsOf(sample: JsonObject, roots: Roots): JsonObject {
  const own = Object.entries(sample).filter(
    ([name]) => Object.hasOwn(roots, name) && !commonRoots.includes(name),
  );
  return Object.fromEntries(own);
}

/** Milliseconds since the start of `90s` or of an ISO moment with its zone; undefined for another text. */
export function offsetOf(text: unknown, startMs: number): number | undefined {
  if (typeof text !== "string") return undefined;
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text)) {
    const moment = Date.parse(text);
    return Number.isNaN(moment) ? undefined : moment - startMs;
  }
  const offset = durationOf(text);
  return offset === undefined || offset < 0 ? undefined : offset;
}

/** The polls of samples as people write them, in order, and what is wrong with them. */
export function pollsOf(
  samples: readonly JsonObject[],
  sampled: Sampled,
  { startMs, everyMs }: Timing,
): { readonly polls: readonly ReplayPoll[]; readonly faults: readonly SampleFault[] } {
  const polls: ReplayPoll[] = [];
  const faults: SampleFault[] = [];
  let next = 0;
  for (const [index, written] of samples.entries()) {
    const { at, repeat, firing, ...rest } = written;
    const sample = completed(rest, sampled);
    faults.push(...sampleFaults(rest, sampled.roots).map((fault) => ({ index, ...fault })));
    const offset = at === undefined ? next : offsetOf(at, startMs);
    const last = polls.at(-1)?.offsetMs;
    if (offset === undefined || (last !== undefined && offset <= last)) {
      faults.push({ index, field: "at", ...momentFault(at, offset, last) });
      continue;
    }
    const times = typeof repeat === "number" ? repeat : 1;
    if (polls.length + times > REPLAY_POLLS_MAX) {
      const message = `there are more than ${REPLAY_POLLS_MAX} polls`;
      faults.push({ index, message, hint: "repeat samples less often" });
      break;
    }
    const names = Array.isArray(firing) ? firing.map(String) : [];
    for (let time = 0; time < times; time += 1)
      polls.push({ offsetMs: offset + time * everyMs, sample, firing: names });
    next = offset + times * everyMs;
  }
  return { polls, faults };
}

function momentFault(at: unknown, offset: number | undefined, last: number | undefined) {
  if (offset === undefined)
    return {
      message: `at is no moment: ${describe(at)}`,
      hint: "write 90s after the start, or 2026-01-01T09:00:00Z",
    };
  return {
    message: `the poll at ${String(at)} does not come after the one at ${durationText(last ?? 0)}`,
    hint: "write samples in the order in which they come",
  };
}

/** Names that the source does not give, and values of a type that it never gives there. */
function sampleFaults(sample: JsonObject, roots: Roots): readonly Omit<SampleFault, "index">[] {
  // `prev` is what the machine remembers.
  const known = Object.keys(roots).filter((name) => name !== "prev");
  return Object.entries(sample).flatMap(([field, value]) => {
    const type = known.includes(field) ? roots[field] : undefined;
    if (type !== undefined) {
      const wanted = wantedFor(type, value);
      if (wanted === undefined) return [];
      const message = `${field} must be ${wanted}, but is ${describe(value)}`;
      return [{ field, message, hint: `write ${wanted}` }];
    }
    const near = suggest(field, [...known, ...pollFields]);
    const hint = near === undefined ? `its names are ${known.join(", ")}` : `did you mean ${near}?`;
    return [{ field, isName: true, message: `the source gives nothing named "${field}"`, hint }];
  });
}

const forms: Readonly<
  Record<string, { readonly noun: string; readonly is: (value: unknown) => boolean }>
> = {
  number: { noun: "a number", is: (value) => typeof value === "number" },
  string: { noun: "a string", is: (value) => typeof value === "string" },
  bool: { noun: "true or false", is: (value) => typeof value === "boolean" },
  list: { noun: "a list", is: Array.isArray },
  map: { noun: "a map", is: isObject },
  duration: {
    noun: "a duration such as 250ms",
    is: (value) =>
      typeof value === "number" || (typeof value === "string" && durationOf(value) !== undefined),
  },
  timestamp: {
    noun: "a moment such as 2026-01-01T09:00:00Z",
    is: (value) =>
      typeof value === "number" || (typeof value === "string" && !Number.isNaN(Date.parse(value))),
  },
};

/** What a value should be, in words, where it is something else; every root may be null. */
function wantedFor(type: Type, value: unknown): string | undefined {
  if (value === null) return undefined;
  if (typeof type === "object" && type.kind === "enum" && !type.values.includes(String(value)))
    return `one of ${type.values.join(", ")}`;
  const form = forms[nameOf(type)];
  return form === undefined || form.is(value) ? undefined : form.noun;
}
