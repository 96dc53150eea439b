import type { Json, JsonObject } from "../lib/json.ts";

/** Takes known secrets out of text. */
export interface Redactor {
  /** Remembers a secret value; from then on it is redacted. */
  add(secret: string): void;
  /** Without the values that it knows, and without what looks like a credential. For messages about requests. */
  redact(text: string): string;
  /** Without the values that it knows. For texts that may well hold words that look like a credential. */
  redactKnown(text: string): string;
  /** Every way of writing the values that it knows, longest first: a secret may stand within another one. */
  forms(): readonly string[];
  /** How many characters at the end of a text may be the beginning of a value that it knows. */
  openEnd(text: string): number;
}

/** Shorter values are not redacted: they would tear ordinary words apart. */
const SECRET_LENGTH_MIN = 4;
/** How many values are remembered; rotation adds new ones, and the oldest are forgotten. */
const SECRETS_MAX = 1_000;
const REDACTED = "[redacted]";

/** What looks like a credential although it was never resolved here, for example a key that a provider echoes with stars in it. */
const credentialLike = /\bBearer\s+[^\s"',;]+|\bsk-[\w*-]{6,}/g;

/** A redactor that knows no secret yet, or only those of another one, also what that one gets to know later. */
export function createRedactor(base?: Pick<Redactor, "forms">): Redactor {
  const own = new Map<string, readonly string[]>();
  let ofBase: readonly string[] | undefined;
  let sorted: readonly string[] | undefined;
  const forms = (): readonly string[] => {
    const known = base?.forms();
    if (sorted === undefined || known !== ofBase) {
      ofBase = known;
      const all = [...(known ?? []), ...[...own.values()].flat()];
      sorted = all.toSorted((a, b) => b.length - a.length);
    }
    return sorted;
  };
  const redactKnown = (text: string): string =>
    forms().reduce((redacted, form) => redacted.replaceAll(form, REDACTED), text);
  return {
    add(secret) {
      if (secret.length < SECRET_LENGTH_MIN || own.has(secret)) return;
      own.set(secret, formsOf(secret));
      const oldest = own.keys().next().value;
      if (own.size > SECRETS_MAX && oldest !== undefined) own.delete(oldest);
      sorted = undefined;
    },
    redact: (text) => redactKnown(text).replace(credentialLike, REDACTED),
    redactKnown,
    forms,
    openEnd: (text) => Math.max(0, ...forms().map((form) => overlap(text, form))),
  };
}

/** A redactor for one run: besides what the other one knows it knows every text and number of the data that only tools may read. */
export function redactorWith(base: Redactor, secret: JsonObject | undefined): Redactor {
  if (secret === undefined) return base;
  const own = createRedactor(base);
  const learn = (value: Json): void => {
    if (typeof value === "string" || typeof value === "number") own.add(String(value));
    else if (typeof value === "object" && value !== null) Object.values(value).forEach(learn);
  };
  learn(secret);
  return own;
}

/** How much of the beginning of a form the text ends with; the whole form does not count. */
function overlap(text: string, form: string): number {
  let length = Math.min(form.length - 1, text.length);
  while (length > 0 && !text.endsWith(form.slice(0, length))) length -= 1;
  return length;
}

/** The same JSON value with every text in it without the known secrets; a value without a secret is returned as it is. */
export function redactDeep<T>(value: T, { redactKnown }: Pick<Redactor, "redactKnown">): T {
  const text = JSON.stringify(value);
  // What has no secret as JSON has none in its parts: almost always the end of it.
  if (text === undefined || redactKnown(text) === text) return value;
  return JSON.parse(text, (_, part: unknown) =>
    typeof part === "string" ? redactKnown(part) : part,
  );
}

/** The ways in which a value may be written in other text. */
function formsOf(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const url = encodeURIComponent(secret);
  const lowerUrl = url.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase());
  const hex = Buffer.from(secret).toString("hex");
  const form = new URLSearchParams({ "": secret }).toString().slice(1);
  return [
    ...new Set([
      secret,
      json,
      JSON.stringify(json).slice(1, -1),
      url,
      lowerUrl,
      form,
      hex,
      hex.toUpperCase(),
      ...base64Forms(secret),
    ]),
  ].filter(({ length }) => length >= SECRET_LENGTH_MIN);
}

/** Base64 of the value alone, and of its inner part when it stands behind one or two more bytes (as in `user:key`). */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].flatMap((lead) => {
    const whole = Buffer.concat([Buffer.alloc(lead), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    // The first characters mix with what stands before, the last one with what follows.
    const start = [0, 2, 3][lead] ?? 0;
    const end = (lead + bytes.length) % 3 === 0 ? whole.length : whole.length - 1;
    const inner = whole.slice(start, end);
    return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")];
  });
}
