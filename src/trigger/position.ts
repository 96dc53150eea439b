/** A place in a text as people count: both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Line and column of an offset; an offset past the end is the place after the last character. */
export function positionAt(text: string, offset: number): Position {
  const end = Math.max(0, Math.min(offset, text.length));
  let line = 1;
  let lineStart = 0;
  for (
    let next = text.indexOf("\n");
    next !== -1 && next < end;
    next = text.indexOf("\n", next + 1)
  ) {
    line += 1;
    lineStart = next + 1;
  }
  return { line, column: end - lineStart + 1 };
}

/** The line that holds the offset, and under it a caret for each character of the span on that line. */
export function frameAt(text: string, start: number, end: number): readonly [string, string] {
  const { column } = positionAt(text, start);
  const lineStart = Math.min(start, text.length) - column + 1;
  const lineEnd = text.indexOf("\n", lineStart);
  const line = text.slice(lineStart, lineEnd === -1 ? text.length : lineEnd);
  const carets = Math.max(1, Math.min(end - start, line.length - column + 1));
  return [line, `${" ".repeat(column - 1)}${"^".repeat(carets)}`];
}
