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
/** A secret that lies across the end of what is shown has to be found whole: so much is looked at. */
const LOOKED_AT_CHARS = 16_384;
/** Where a list function has the name of its element, which is no part of what it looks at. */
const ELEMENT = 1;

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

/** The conditions of a trigger as trees, those of clauses with their words before them; `valueIn` gives the value of a part, or undefined where there is none. */
export function explained(
  { when, followed, clear }: Trigger,
  types: ReadonlyMap<Expression, Type>,
  valueIn: (node: Expression) => Value | undefined,
  redact: (text: string) => string = (text) => text,
): readonly ExplainedLine[] {
  const lines: ExplainedLine[] = [];
  const visit = (node: Expression, depth: number, hasValue: boolean, before = ""): void => {
    const value = hasValue ? valueIn(node) : undefined;
    const type = types.get(node);
    lines.push({
      depth,
      text: `${before}${printExpression(node)}`,
      type: type === undefined ? (node.kind === "polls" ? "window" : node.kind) : typeText(type),
      ...(value !== undefined && {
        value: shortened(redact(textOf(value).slice(0, LOOKED_AT_CHARS))),
      }),
    });
    const isSettled = node.kind === "name" || isLiteral(node);
    if (isSettled) return;
    const isList = isListCall(node);
    for (const [index, child] of childrenOf(node).entries()) {
      if (isLiteral(child) || (isList && index === ELEMENT)) continue;
      visit(child, depth + 1, hasValue && !(isList && index > 0));
    }
  };
  visit(when.expression, 0, true);
  if (followed !== undefined) visit(followed.by, 0, true, "followed by ");
  if (clear !== undefined) visit(clear.expression, 0, true, "clear when ");
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
