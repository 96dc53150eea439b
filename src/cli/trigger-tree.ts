import stringWidth from "string-width";
import { forTerminal } from "../lib/text.ts";
import type { ExplainedLine } from "../trigger/explain.ts";
import { style } from "./error-text.ts";
import { cut } from "./table.ts";
import { type OutputStream, terminalWidth } from "./terminal-width.ts";

const WIDTH = 80;
const GAP = "  ";
/** The most columns that a type and a value take while the expression needs room. */
const TYPE_WIDTH_MAX = 16;
const VALUE_WIDTH_MAX = 24;
/** The most columns of the lines in front of an expression. */
const SHAPE_WIDTH_MAX = 24;

/** The tree of a trigger as a table of expression, type and value, drawn with lines. It is cut to the terminal, or to 80 columns. */
export function treeText(tree: readonly ExplainedLine[], stream: OutputStream): string {
  if (tree.length === 0) return "";
  const width = terminalWidth(stream) ?? WIDTH;
  const shapes = shapesOf(tree);
  const hasValues = tree.some(({ value }) => value !== undefined);
  const rows = tree.map(({ text, type, value }, index) => [
    `${shapes[index] ?? ""}${forTerminal(text).replaceAll(/\s+/g, " ")}`,
    type,
    value === undefined ? "" : forTerminal(value).replaceAll(/\s+/g, " "),
  ]);
  const titles = ["EXPRESSION", "TYPE", "VALUE"];
  const widest = (column: number) =>
    Math.max(...[titles, ...rows].map((row) => stringWidth(row[column] ?? "")));
  const typeWidth = Math.min(TYPE_WIDTH_MAX, widest(1));
  const values = hasValues ? GAP.length + Math.min(VALUE_WIDTH_MAX, widest(2)) : 0;
  const room = Math.max(SHAPE_WIDTH_MAX + 8, width - GAP.length - typeWidth - values);
  const first = Math.min(room, widest(0));
  // What the expressions do not need the values have.
  const left = Math.max(4, width - first - typeWidth - 2 * GAP.length);
  const lines = [titles, ...rows].map(([expression = "", type = "", value = ""], index) => {
    const cells = [padded(expression, first), padded(type, typeWidth)];
    if (hasValues) cells.push(valueCell(cut(value, left), index === 0, stream));
    return `${cells.join(GAP).trimEnd()}\n`;
  });
  return lines.join("");
}

function padded(text: string, width: number): string {
  const shown = cut(text, width);
  return `${shown}${" ".repeat(Math.max(0, width - stringWidth(shown)))}`;
}

function valueCell(value: string, isTitle: boolean, stream: OutputStream): string {
  if (isTitle || value === "") return value;
  if (value.startsWith("error: ")) return style("red", value, stream);
  return value === "missing" ? style("dim", value, stream) : value;
}

/** What stands in front of each line. A deep tree is drawn narrower; what lies deeper still loses the outermost lines. */
function shapesOf(tree: readonly ExplainedLine[]): readonly string[] {
  const deepest = Math.max(...tree.map(({ depth }) => depth));
  const step = Math.max(1, Math.min(3, Math.floor(SHAPE_WIDTH_MAX / Math.max(1, deepest))));
  const pieces = (line: string) => line.slice(0, step);
  // The last line of each depth is known from behind.
  const shapes: string[] = [];
  const open: boolean[] = [];
  for (const { depth } of tree.toReversed()) {
    let shape = "";
    for (let level = 1; level < depth; level += 1)
      shape += pieces(open[level] === true ? "│  " : "   ");
    if (depth > 0) shape += pieces(open[depth] === true ? "├─ " : "└─ ");
    open.length = depth + 1;
    open[depth] = depth > 0;
    shapes.push(shape.length > SHAPE_WIDTH_MAX ? `…${shape.slice(1 - SHAPE_WIDTH_MAX)}` : shape);
  }
  return shapes.toReversed();
}
