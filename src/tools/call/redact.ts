import type { ErrorData } from "../../lib/errors.ts";
import type { Json } from "../../lib/json.ts";

/** Takes secrets out of a text, wherever in it they stand. */
export type Redact = (text: string) => string;

/** What stands for a secret, and for a text that could not be looked at for secrets. */
const UNREADABLE = "[redacted]";

/** The function itself, made safe to call anywhere: without one texts stay as they are; of one that throws nothing gets out. */
export function safeRedact(redact: Redact | undefined): Redact {
  if (redact === undefined) return (text) => text;
  return (text) => {
    try {
      return redact(text);
    } catch {
      return UNREADABLE;
    }
  };
}

/** The value with every text in it redacted, keys as well; one without a secret as it is. It is plain data of bounded depth. */
export function redactValue(value: Json | undefined, redact: Redact): Json | undefined {
  return redactWith(value, redact, (number) => number);
}

/** What a tool returned, likewise; a number that is a secret is one as a number too. Elsewhere numbers count things, and stay. */
export function redactResult(value: Json | undefined, redact: Redact): Json | undefined {
  return redactWith(value, redact, (number) => {
    const redacted = redact(String(number));
    return redacted === UNREADABLE ? redacted : number;
  });
}

function redactWith(
  value: Json | undefined,
  redact: Redact,
  numberOf: (number: number) => Json,
): Json | undefined {
  if (value === undefined) return undefined;
  // One look at all texts together is almost always the end of it.
  const texts = textsOf(value, []).join("\n");
  return redact(texts) === texts ? value : redactJson(value, redact, numberOf);
}

function textsOf(value: Json, texts: string[]): string[] {
  if (typeof value === "string" || typeof value === "number") texts.push(String(value));
  else if (Array.isArray(value)) for (const item of value) textsOf(item, texts);
  else if (value !== null && typeof value === "object") {
    for (const [key, inside] of Object.entries(value)) {
      texts.push(key);
      textsOf(inside, texts);
    }
  }
  return texts;
}

function redactJson(value: Json, redact: Redact, numberOf: (number: number) => Json): Json {
  if (typeof value === "string") return redact(value);
  if (typeof value === "number") return numberOf(value);
  if (typeof value !== "object" || value === null) return value;
  const inside = (item: Json) => redactJson(item, redact, numberOf);
  if (Array.isArray(value)) return value.map(inside);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [redact(key), inside(item)]),
  );
}

/** The error with every text in it redacted; its code is Legion's own. */
export function redactError(
  { code, message, hint, valid, example }: ErrorData,
  redact: Redact,
): ErrorData {
  return {
    code,
    message: redact(message),
    hint: redact(hint),
    ...(valid && { valid: valid.map(redact) }),
    ...(example !== undefined && { example: redact(example) }),
  };
}
