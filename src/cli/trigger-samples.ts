import { LegionError, messageOf } from "../lib/errors.ts";
import { isObject, type JsonObject } from "../lib/json.ts";
import { durationOf, durationText } from "../trigger/literals.ts";
import { timestampText } from "../trigger/values.ts";
import type { ReplayPoll } from "../watch/cases.ts";
import { offsetOf, pollsOf, type Sampled } from "../watch/cases-samples.ts";
import { usage } from "./trigger-input.ts";

/** Polls with the moment at which they begin. */
export interface Polls {
  readonly polls: readonly ReplayPoll[];
  readonly startMs: number;
  /** Moments were given as such, and are shown as such. */
  readonly isDated: boolean;
}

/** The samples of a text: one JSON object, a list of them, or one a line. Throws LEG7331. */
export function samplesIn(text: string): readonly JsonObject[] {
  if (text.trim() === "")
    throw wrong(
      "there is no sample",
      'write one, for example {"ok": true}, or name a file of them',
    );
  const whole = parsed(text);
  const found = "value" in whole ? [whole.value].flat() : linesOf(text, whole.error);
  if (found.length === 0) throw wrong("there is no sample", 'write one, for example {"ok": true}');
  const stray = found.findIndex((sample) => !isObject(sample));
  if (stray === -1) return found as JsonObject[];
  throw wrong(`sample ${stray + 1} is no object`, 'write it as {"status": 503}');
}

function parsed(text: string): { readonly value: unknown } | { readonly error: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

function linesOf(text: string, error: string): readonly unknown[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length < 2)
    throw wrong(`the samples are no JSON: ${error}`, "write JSON, or one object a line");
  return lines.map((line, index) => {
    const one = parsed(line);
    if ("value" in one) return one.value;
    throw wrong(
      `line ${index + 1} of the samples is no JSON: ${one.error}`,
      "write one object a line",
    );
  });
}

function wrong(message: string, hint: string): LegionError {
  return new LegionError({ code: "LEG7331", message, hint });
}

/** The polls of samples over the names of a source. Without a start they begin with the first moment that is given, else now. Throws LEG7331, LEG7001. */
export function timedPolls(
  samples: readonly JsonObject[],
  sampled: Sampled,
  given: { readonly interval: string; readonly start: string | undefined; readonly nowMs: number },
): Polls {
  const everyMs = durationOf(given.interval);
  if (everyMs === undefined || everyMs <= 0)
    throw usage(`--interval does not take "${given.interval}"`, "write a duration such as 30s");
  const first = samples.find(({ at }) => typeof at === "string" && /^\d{4}-/.test(at))?.at;
  const start = given.start ?? first;
  const startMs = start === undefined ? given.nowMs : offsetOf(start, 0);
  if (startMs === undefined || (start !== undefined && !/^\d{4}-/.test(String(start))))
    throw usage(`"${String(start)}" is no moment`, "write 2026-01-01T09:00:00Z, with its zone");
  const { polls, faults } = pollsOf(samples, sampled, { startMs, everyMs });
  const [fault] = faults;
  if (fault !== undefined) throw wrong(`sample ${fault.index + 1}: ${fault.message}`, fault.hint);
  return { polls, startMs, isDated: start !== undefined };
}

/** When a poll was, as people read it. */
export function momentText({ offsetMs }: { readonly offsetMs: number }, polls: Polls): string {
  return polls.isDated ? timestampText(polls.startMs + offsetMs) : durationText(offsetMs);
}
