/** Takes secrets out of what a watcher saw, and bounds it, before it is kept or told. */
import type { Json } from "../lib/json.ts";
import type { DueAction } from "../trigger/actions.ts";
import type { Outcome } from "../trigger/machine.ts";
import { VALUES_BYTES_MAX } from "./message.ts";
import { boundedValues, shownValue } from "./shown-value.ts";

export type Redact = (text: string) => string;

const ACTION_CHARS_MAX = 16_384;
const ERROR_CHARS_MAX = 500;
/** A secret that lies across the end of what is shown has to be found whole: so much more is looked at. */
const LOOKED_AT = 8;

/** The beginning of a value, without secrets. */
export function safeValue(value: unknown, maxChars: number, redact: Redact): Json {
  return shownValue(redactJson(shownValue(value, maxChars * LOOKED_AT), redact), maxChars);
}

/** What a poll did, as it may be kept and told. */
export function safeOutcome(outcome: Outcome, redact: Redact): Outcome {
  const { fire, error } = outcome;
  return {
    ...outcome,
    ...(error !== undefined && { error: safeText(error, ERROR_CHARS_MAX, redact) }),
    ...(fire !== undefined && {
      fire: {
        ...fire,
        actions: fire.actions.map((action) => safeAction(action, redact)),
        values: safeValues(fire.values, VALUES_BYTES_MAX, redact),
      },
    }),
  };
}

export function safeAction(action: DueAction, redact: Redact): DueAction {
  const { text, argument } = action;
  return {
    ...action,
    ...(text !== undefined && { text: safeText(text, ACTION_CHARS_MAX, redact) }),
    ...(argument !== undefined && { argument: safeArgument(argument, redact) }),
  };
}

/** The `error` of a sample; none where it has none. */
export function sampleError(
  error: unknown,
  redact: Redact,
): { readonly code: string; readonly message: string } | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { code, message } = error as Record<string, unknown>;
  return {
    code: safeText(String(code ?? "failed"), 64, redact),
    message: safeText(String(message ?? ""), ERROR_CHARS_MAX, redact),
  };
}

function safeText(text: string, maxChars: number, redact: Redact): string {
  return String(shownValue(redact(text.slice(0, maxChars * LOOKED_AT)), maxChars));
}

function safeValues(
  values: Readonly<Record<string, Json>>,
  maxBytes: number,
  redact: Redact,
): Readonly<Record<string, Json>> {
  const looked = boundedValues(values, maxBytes * LOOKED_AT);
  return boundedValues(redactJson(looked, redact) as Record<string, Json>, maxBytes);
}

function safeArgument(argument: Json, redact: Redact): Json {
  if (typeof argument === "object" && argument !== null && !Array.isArray(argument))
    return safeValues(argument, ACTION_CHARS_MAX, redact) as Record<string, Json>;
  return safeValue(argument, ACTION_CHARS_MAX, redact);
}

function redactJson(value: Json | Readonly<Record<string, Json>>, redact: Redact): Json {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map((item) => redactJson(item, redact));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [redact(key), redactJson(each, redact)]),
  );
}
