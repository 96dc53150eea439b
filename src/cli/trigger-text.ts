import { forTerminal } from "../lib/text.ts";
import type { Diagnostic } from "../manifest/diagnostics.ts";
import { frameOf, printable, WIDTH, wrapLine } from "../manifest/frame.ts";
import type { PlacedProblem } from "../trigger/placed.ts";
import { style } from "./error-text.ts";

/** A mistake in a trigger as data. */
export type ProblemData = Omit<PlacedProblem, "frame">;

export function problemData({ frame: _, ...problem }: PlacedProblem): ProblemData {
  return problem;
}

/** Mistakes of one text, each with its place, the line with carets and the next step; fits 80 columns. */
export function problemsText(
  problems: readonly PlacedProblem[],
  stream: NodeJS.WritableStream,
  shown?: string,
): string {
  const blocks = problems.map((problem) => {
    const { code, message, hint, line, column } = problem;
    const place = `${shown === undefined ? "" : `${shown}:`}${line}:${column}`;
    const label = `error[${code}]`;
    const [head = "", ...rest] = wrapLine(printable(`${place}: ${label}: ${message}`), "");
    const painted = head.replace(label, style(["red", "bold"], label, stream));
    const frame = frameOf(quoted(problem));
    return [
      painted,
      ...rest,
      ...(frame === undefined ? [] : [...frame.lines, style("red", frame.caret, stream)]),
      ...(hint === undefined ? [] : wrapLine(printable(hint), "  ")),
    ].join("\n");
  });
  return blocks.map((block) => `${block}\n`).join("\n");
}

/** What the frame of manifests draws. */
function quoted({
  line,
  column,
  start,
  end,
  frame,
}: PlacedProblem): Pick<Diagnostic, "range" | "snippet"> {
  const carets = frame[1].trim().length;
  return {
    range: {
      filename: "",
      start: { line, column, byte: start },
      end: { line, column: column + carets, byte: end },
    },
    snippet: frame[0],
  };
}

/** A trigger broken into lines outside of its strings; what follows the first stands deeper. It stays the same trigger. */
export function brokenTrigger(text: string, width: number = WIDTH, indent = "  "): string[] {
  const words = forTerminal(text).match(/(?:[^\s"']|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')+/g) ?? [];
  const lines: string[] = [];
  let line = "";
  for (const word of words) {
    const isFirst = line.trim() === "";
    if (!isFirst && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = isFirst ? `${line}${word}` : `${line} ${word}`;
  }
  return [...lines, line];
}
