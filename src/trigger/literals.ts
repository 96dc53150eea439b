/** How words of the source become values: durations, sizes, strings. Pure text work, no parser. */
import type { StringLiteral } from "./ast.ts";

export const durationUnits = {
  w: 604_800_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
} as const;

export const sizeUnits = {
  TiB: 2 ** 40,
  TB: 1e12,
  GiB: 2 ** 30,
  GB: 1e9,
  MiB: 2 ** 20,
  MB: 1e6,
  KiB: 2 ** 10,
  KB: 1e3,
  kB: 1e3,
  B: 1,
} as const;

/** Milliseconds of `1h30m`, also with a sign in front; undefined when the text is no duration. */
export function durationOf(text: string): number | undefined {
  const match = /^(-?)((?:\d+(?:\.\d+)?(?:ms|[smhdw]))+)$/.exec(text);
  if (match === null) return undefined;
  let total = 0;
  for (const [, amount, unit] of (match[2] ?? "").matchAll(/([\d.]+)(ms|[smhdw])/g))
    total += Number(amount) * durationUnits[unit as keyof typeof durationUnits];
  return match[1] === "-" ? -total : total;
}

/** A duration as the language writes it: `1h30m`, `250ms`, `0s`. */
export function durationText(ms: number): string {
  if (!Number.isFinite(ms)) return `${ms}ms`;
  let rest = Math.abs(ms);
  let text = "";
  for (const [unit, length] of Object.entries(durationUnits)) {
    const amount = unit === "ms" ? rest : Math.floor(rest / length);
    if (amount === 0) continue;
    // A fraction of a millisecond in a form without an exponent, which no duration has.
    text += `${amount < 1e-6 ? amount.toFixed(12) : amount}${unit}`;
    rest -= amount * length;
  }
  return text === "" ? "0s" : `${ms < 0 ? "-" : ""}${text}`;
}

/** Bytes of `5MiB`; the lexer lets nothing else through. */
export function sizeOf(text: string): number {
  const [, amount, unit] = /^([\d.]+)([A-Za-z]+)$/.exec(text) ?? [];
  return Number(amount) * (sizeUnits[unit as keyof typeof sizeUnits] ?? Number.NaN);
}

/** A number of bytes with the largest unit that leaves no rest. */
export function sizeText(bytes: number): string {
  for (const [unit, length] of Object.entries(sizeUnits))
    if (bytes >= length && Number.isInteger(bytes / length) && unit !== "kB")
      return `${bytes / length}${unit}`;
  return `${bytes}B`;
}

const escapes: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};
/** An escape by number: `\x41`, `\u0041`, `\U00000041`, `\101`. */
const numbered = /[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}/y;

/**
 * The text between the quotes of a string token, with the place of each of its characters. An escape that is none stands for
 * its character: `\.` is a dot.
 */
export function stringLiteral(token: string, start: number): StringLiteral {
  const isRaw = /^[rR]/.test(token);
  const open = isRaw ? 1 : 0;
  const quotes = /^("""|''')/.test(token.slice(open)) && token.length >= open + 6 ? 3 : 1;
  const from = open + quotes;
  const to = token.length - quotes;
  const body = token.slice(from, to);
  const offsets: number[] = [];
  let value = "";
  for (let at = 0; at < body.length; ) {
    const [text, length] =
      isRaw || body[at] !== "\\" ? [body[at] ?? "", 1] : escapeAt(body, at + 1);
    for (let unit = 0; unit < text.length; unit += 1) offsets.push(start + from + at);
    value += text;
    at += length;
  }
  offsets.push(start + to);
  return { kind: "string", value, offsets, start, end: start + token.length };
}

/** What the escape says whose letter stands at an offset, and how long it is with its backslash. */
function escapeAt(body: string, at: number): [string, number] {
  numbered.lastIndex = at;
  const found = numbered.exec(body)?.[0];
  if (found !== undefined) {
    const isOctal = /^[0-7]/.test(found);
    const code = Number.parseInt(isOctal ? found : found.slice(1), isOctal ? 8 : 16);
    return [code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd", found.length + 1];
  }
  const letter = body[at] ?? "";
  return [escapes[letter] ?? letter, 2];
}
