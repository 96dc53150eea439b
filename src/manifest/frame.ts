import type { Diagnostic } from "./diagnostics.ts";

/** How wide lines for people may be. */
export const WIDTH = 80;

/** What a terminal would obey or hide: control characters, and those that turn the direction of writing or have no width. */
const unprintable = /[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** A text that is safe to show on a terminal: what is not printable is written out, as \u{1b}. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/**
 * The quoted lines of a diagnostic with a caret under the range:
 *
 *     6 |   description: x
 *     7 |   modle: smart
 *       |   ^^^^^
 */
export function frameOf({
  snippet,
  range,
}: Pick<Diagnostic, "snippet" | "range">):
  | { readonly lines: readonly string[]; readonly caret: string }
  | undefined {
  if (snippet === undefined || range === undefined) return undefined;
  const texts = snippet.split("\n");
  const gutter = String(range.start.line).length;
  const target = texts.at(-1) ?? "";
  const from = range.start.column - 1;
  const to = range.end.line === range.start.line ? range.end.column - 1 : target.length;
  const offset = windowStart(from, target.length, WIDTH - gutter - 5);
  const cut = (text: string) => flat(text).slice(offset, offset + WIDTH - gutter - 5);
  const lines = texts.map((text, index) => {
    const number = range.start.line - (texts.length - 1 - index);
    return `  ${String(number).padStart(gutter)} | ${cut(text)}`.trimEnd();
  });
  const before = columns(cut(target).slice(0, from - offset));
  const length = Math.max(
    1,
    Math.min(columns(cut(target).slice(from - offset, to - offset)), WIDTH),
  );
  const shown = lines.filter((line, index) => index === lines.length - 1 || !line.endsWith(" |"));
  return {
    lines: shown,
    caret: `  ${" ".repeat(gutter)} | ${" ".repeat(before)}${"^".repeat(length)}`,
  };
}

/** Where to begin showing a line that is too long, so that the caret stands near the middle. */
function windowStart(column: number, length: number, width: number): number {
  return length <= width || column < width - 10 ? 0 : column - Math.floor(width / 2);
}

/** One character for each, so that columns stay true. */
function flat(text: string): string {
  return text.replaceAll("\t", " ").replace(unprintable, "\u00b7");
}

const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;

/** How many columns of a terminal a text takes. */
export function columns(text: string): number {
  let total = 0;
  for (const character of text)
    total += /\p{M}/u.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return total;
}

/** A line broken at spaces to fit; what follows the first stands deeper. */
export function wrapLine(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(" ")) {
    const isFirst = line.trim() === "";
    if (!isFirst && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = `${indent}  ${word}`;
    } else {
      line += isFirst ? word : ` ${word}`;
    }
  }
  return [...lines, line];
}
