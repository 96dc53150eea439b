import { isObject, type Json, type JsonPath } from "../../lib/json.ts";
import { parseDuration, parseSize } from "../../lib/quantities.ts";
import type { Kind, ManifestObject } from "../objects.ts";
import { placeOf } from "../validate.ts";
import { type CheckContext, faultAt } from "./context.ts";

interface Range {
  /** The field below spec; `*` stands for every item of a list. */
  readonly field: string;
  readonly unit: "duration" | "size";
  readonly least: string;
  readonly most: string;
}

/** Timers of the runtime count milliseconds in 31 bits, a little more than 24 days. */
const longest = "24d";
const duration = (field: string, least = "1ms"): Range => ({
  field,
  unit: "duration",
  least,
  most: longest,
});
const size = (field: string, least = "1B", most = "1GiB"): Range => ({
  field,
  unit: "size",
  least,
  most,
});

const ranges: Readonly<Record<Kind, readonly Range[]>> = {
  Source: [duration("interval", "1s"), duration("timeout")],
  Agent: [
    duration("timeout"),
    duration("terminationGracePeriod", "0s"),
    duration("sandbox.timeout"),
    size("sandbox.memory", "16MiB", "1GiB"),
    size("sandbox.maxResultBytes"),
    size("sandbox.maxLogBytes", "0B"),
    size("maxBindingsBytes"),
  ],
  Tool: [duration("timeout"), size("maxArgumentBytes"), size("maxResultBytes")],
  Provider: [
    duration("timeouts.firstByte"),
    duration("timeouts.idle"),
    duration("timeouts.total"),
    size("maxResponseBytes"),
    duration("replies.*.delay", "0s"),
  ],
  Router: [duration("tiers.*.timeout")],
  Watcher: [
    duration("interval", "100ms"),
    duration("jitter", "0s"),
    duration("timeout"),
    duration("groupWait", "0s"),
    size("maxBytes", "1B", "16MiB"),
  ],
  Cron: [duration("jitter", "0s"), duration("catchupWindow")],
};

/** Durations and sizes are within what their fields take. */
export function checkRanges(object: ManifestObject, { report }: CheckContext): void {
  for (const range of ranges[object.kind]) {
    for (const { path, value } of valuesAt(
      object.spec as unknown as Json,
      range.field.split("."),
    )) {
      if (typeof value !== "string" || isWithin(value, range)) continue;
      const bounds = `${range.least} to ${range.most}`;
      const summary = `${placeOf(object.kind, ["spec", ...path])} is ${value}, but must be from ${bounds}`;
      report(
        faultAt(object, {
          code: "LEG1060",
          path: ["spec", ...path],
          summary,
          detail: `write a ${range.unit} from ${bounds}`,
        }),
      );
    }
  }
}

function isWithin(value: string, { unit, least, most }: Range): boolean {
  const parse = unit === "size" ? parseSize : parseDuration;
  const amount = parse(value) ?? Number.NaN;
  return amount >= (parse(least) ?? 0) && amount <= (parse(most) ?? 0);
}

function valuesAt(
  value: Json | undefined,
  steps: readonly string[],
  path: JsonPath = [],
): { path: JsonPath; value: Json | undefined }[] {
  const [step, ...rest] = steps;
  if (step === undefined) return [{ path, value }];
  if (step === "*")
    return Array.isArray(value)
      ? value.flatMap((item, index) => valuesAt(item, rest, [...path, index]))
      : [];
  return isObject(value) && Object.hasOwn(value, step)
    ? valuesAt(value[step] as Json, rest, [...path, step])
    : [];
}
