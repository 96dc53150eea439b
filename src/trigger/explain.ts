import type { Expression, Trigger } from "./ast.ts";
import { compile, type Program } from "./compile.ts";
import type { Closure } from "./frame.ts";
import { functionOf } from "./functions.ts";
import { childrenOf } from "./measure.ts";
import { printExpression } from "./print.ts";
import { type Type, typeText } from "./value-types.ts";
import { textOf, type Value } from "./values.ts";

/** A part of the condition that comes from the source, as it is written. */
export interface Watched {
  readonly text: string;
  readonly closure: Closure;
}

/** One line of a tree: a part, its type, and its value at the last poll. */
export interface ExplainedLine {
  readonly depth: number;
  readonly text: string;
  readonly type: string;
  readonly value?: string;
}

const VALUE_CHARS_MAX = 80;

function isHistory(node: Expression): boolean {
  return node.kind === "call" && functionOf(node.name, node.arguments.length)?.kind === "history";
}

function isListCall(node: Expression): boolean {
  return node.kind === "call" && functionOf(node.name, node.arguments.length)?.kind === "list";
}

/** The paths and history calls of a condition: what a person wants to see when it fires. */
export function watchedIn({ when, followed }: Trigger, program: Program): readonly Watched[] {
  const found = new Map<string, Expression>();
  const visit = (node: Expression): void => {
    if (node.kind === "name" || node.kind === "field" || node.kind === "index" || isHistory(node))
      found.set(printExpression(node), node);
    // What stands in a list function depends on the element.
    else
      for (const child of isListCall(node) ? childrenOf(node).slice(0, 1) : childrenOf(node))
        visit(child);
  };
  visit(when.expression);
  if (followed !== undefined) visit(followed.by);
  return [...found].map(([text, node]) => ({ text, closure: compile(node, program) }));
}

/** The conditions of a trigger as trees; `valueIn` gives the value of a part, or undefined where there is none. */
export function explained(
  { when, followed, clear }: Trigger,
  types: ReadonlyMap<Expression, Type>,
  valueIn: (node: Expression) => Value | undefined,
): readonly ExplainedLine[] {
  const lines: ExplainedLine[] = [];
  const visit = (node: Expression, depth: number, hasValue: boolean): void => {
    const value = hasValue ? valueIn(node) : undefined;
    const type = types.get(node);
    lines.push({
      depth,
      text: printExpression(node),
      type: type === undefined ? (node.kind === "polls" ? "window" : node.kind) : typeText(type),
      ...(value !== undefined && { value: shortened(textOf(value)) }),
    });
    const isSettled = node.kind === "name" || isLiteral(node);
    if (isSettled) return;
    for (const [index, child] of childrenOf(node).entries())
      if (!isLiteral(child)) visit(child, depth + 1, hasValue && !(isListCall(node) && index > 0));
  };
  for (const expression of [when.expression, followed?.by, clear?.expression])
    if (expression !== undefined) visit(expression, 0, true);
  return lines;
}

function isLiteral({ kind }: Expression): boolean {
  return ["number", "string", "constant", "duration", "polls"].includes(kind);
}

function shortened(text: string): string {
  return text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)}...` : text;
}

/** The tree as text: two spaces for each depth. */
export function linesText(lines: readonly ExplainedLine[]): readonly string[] {
  return lines.map(
    ({ depth, text, type, value }) =>
      `${"  ".repeat(depth)}${text}: ${type}${value === undefined ? "" : ` = ${value}`}`,
  );
}
