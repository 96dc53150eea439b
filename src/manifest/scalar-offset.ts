import type { Scalar } from "yaml";

/** Where a character of a string's value stands in the text: folded lines, escapes and indentation are counted. */
export function offsetInScalar(text: string, scalar: Scalar.Parsed, offset: number): number {
  const [start, end] = scalar.range;
  const value = String(scalar.value);
  switch (scalar.type) {
    case "QUOTE_DOUBLE":
    case "QUOTE_SINGLE":
      return inQuotes(text.slice(0, end), start + 1, offset, scalar.type === "QUOTE_DOUBLE");
    case "BLOCK_LITERAL":
    case "BLOCK_FOLDED":
      return inLines(text.slice(0, end), text.indexOf("\n", start) + 1, value, offset);
    default:
      return inLines(text.slice(0, end), start, value, offset);
  }
}

/** Lines stand in the value as they are, but for the space around them. */
function inLines(text: string, start: number, value: string, offset: number): number {
  let known = start;
  let seen = 0;
  for (const { 0: line, index } of text.slice(start).matchAll(/[^\s](?:[^\n]*[^\s])?/g)) {
    while (seen < value.length && !value.startsWith(line, seen)) seen += 1;
    if (offset < seen) return known;
    known = start + index + Math.min(offset - seen, line.length);
    seen += line.length;
    if (offset <= seen) return known;
  }
  return known;
}

const fold = /[ \t]*\r?\n\s*/y;
const continued = /\\\r?\n\s*/y;
const longEscapes: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** Walks text and value side by side until as many characters of the value have gone by. */
function inQuotes(text: string, start: number, offset: number, isDouble: boolean): number {
  let at = start;
  for (let seen = 0; seen < offset && at < text.length; ) {
    const joint = isDouble ? matchAt(continued, text, at) : "";
    const folded = joint || matchAt(fold, text, at);
    if (folded !== "") {
      // One line break is a space, or nothing behind a backslash; more of them are one less.
      const breaks = folded.split("\n").length - 1;
      seen += breaks > 1 ? breaks - 1 : joint === "" ? 1 : 0;
      at += folded.length;
    } else {
      const length = isDouble ? escapeLength(text, at) : text.startsWith("''", at) ? 2 : 1;
      seen += text[at + 1] === "U" && length > 2 && isAstral(text, at) ? 2 : 1;
      at += length;
    }
  }
  return at;
}

function matchAt(form: RegExp, text: string, at: number): string {
  form.lastIndex = at;
  return form.exec(text)?.[0] ?? "";
}

function escapeLength(text: string, at: number): number {
  return text[at] === "\\" ? 2 + (longEscapes[text[at + 1] ?? ""] ?? 0) : 1;
}

function isAstral(text: string, at: number): boolean {
  return Number.parseInt(text.slice(at + 2, at + 10), 16) > 0xffff;
}
