/** Lines shown before and after the one with the error. */
const CONTEXT_LINES = 2;
/** A longer line is cut around the position. */
const WIDTH_MAX = 120;

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units as editors count. */
  readonly column: number;
}

/** Line and column of an offset. */
export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return { line, column: offset - (before.lastIndexOf("\n") + 1) + 1 };
}

/** The lines around the position, numbered, with a caret under it. */
export function codeFrame(text: string, { line, column }: Position): string {
  const lines = text.split("\n");
  const first = Math.max(1, line - CONTEXT_LINES);
  const last = Math.min(lines.length, line + CONTEXT_LINES);
  const digits = String(last).length;
  const cut = Math.max(0, column - WIDTH_MAX / 2);
  const shown: string[] = [];
  for (let number = first; number <= last; number += 1) {
    const content = (lines[number - 1] ?? "").replaceAll("\t", " ").trimEnd();
    const mark = number === line ? ">" : " ";
    shown.push(
      `${mark} ${String(number).padStart(digits)} | ${content.slice(cut, cut + WIDTH_MAX)}`.trimEnd(),
    );
    if (number === line)
      shown.push(`  ${" ".repeat(digits)} | ${" ".repeat(Math.max(0, column - 1 - cut))}^`);
  }
  return shown.join("\n");
}
