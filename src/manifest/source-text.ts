import { byteLength } from "../lib/text.ts";
import type { Position, Range } from "./diagnostics.ts";
import { SNIPPET_CHARS_MAX } from "./limits.ts";
import { maskSecrets } from "./secret-shapes.ts";

/** The text of one file, without its byte order mark, and how people write its path. */
export interface SourceText {
  readonly shown: string;
  readonly text: string;
  /** Bytes that stand before the text: those of the byte order mark. */
  readonly skippedBytes: number;
}

/** Answers questions about places in one text; made when there is something to point at. */
export interface Lines {
  position(offset: number): Position;
  range(start: number, end: number): Range;
  /** The line (from 1) and the one before it, secrets masked; undefined when they are too long to show. */
  snippet(line: number): string | undefined;
}

/** The lines of one text; their starts are found at once. */
export function linesOf(source: SourceText): Lines {
  const { text, shown, skippedBytes } = source;
  const starts = lineStarts(text);
  const position = (offset: number): Position => {
    const line = lineAt(starts, offset);
    const byte = skippedBytes + byteLength(text.slice(0, offset));
    return { line: line + 1, column: offset - (starts[line] ?? 0) + 1, byte };
  };
  const lineText = (line: number) =>
    text.slice(starts[line], starts[line + 1] ?? text.length).replace(/\r?\n$/, "");
  return {
    position,
    range: (start, end) => ({
      filename: shown,
      start: position(start),
      end: position(Math.max(start, end)),
    }),
    snippet(line) {
      const shownLines = line === 1 ? [lineText(0)] : [lineText(line - 2), lineText(line - 1)];
      if (shownLines.some(({ length }) => length > SNIPPET_CHARS_MAX)) return undefined;
      return shownLines.map(maskSecrets).join("\n");
    },
  };
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** The zero-based line that an offset stands in. */
function lineAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
