import type { ErrorData } from "../../lib/errors.ts";
import type { Json } from "../../lib/json.ts";

/** Takes secrets out of a text, wherever in it they stand. */
export type Redact = (text: string) => string;

/** What stands for a text that could not be looked at for secrets. */
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
  if (value === undefined) return undefined;
  // One look at all texts together is almost always the end of it.
  const texts = textsOf(value, []).join("\n");
  return redact(texts) === texts ? value : redactJson(value, redact);
}

function textsOf(value: Json, texts: string[]): string[] {
  if (typeof value === "string") texts.push(value);
  else if (Array.isArray(value)) for (const item of value) textsOf(item, texts);
  else if (value !== null && typeof value === "object") {
    for (const [key, inside] of Object.entries(value)) {
      texts.push(key);
      textsOf(inside, texts);
    }
  }
  return texts;
}

function redactJson(value: Json, redact: Redact): Json {
  if (typeof value === "string") return redact(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => redactJson(item, redact));
  return Object.fromEntries(
    Object.entries(value).map(([key, inside]) => [redact(key), redactJson(inside, redact)]),
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
