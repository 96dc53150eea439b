/** The expression core for other parts: conditions and templates without a machine around them. */
import type { Json } from "../lib/json.ts";
import { compileTemplate } from "./actions.ts";
import { analyseExpressions } from "./check.ts";
import { compile, Program } from "./compile.ts";
import { type ExplainedLine, explained } from "./explain.ts";
import { parseExpressionText } from "./parse.ts";
import { type PlacedProblem, placed } from "./placed.ts";
import type { Roots } from "./roots.ts";
import { Evaluator, type Sample } from "./samples.ts";
import { templateOf } from "./template.ts";
import { type Type, typeText } from "./value-types.ts";
import { Fault, jsonOf, MISSING } from "./values.ts";

/** What an expression gave: JSON, or that it is missing, or what is wrong. */
export type Result =
  | { readonly value: Json }
  | { readonly missing: true }
  | { readonly error: string };

export interface CompiledExpression {
  /** The static type, as people read it. */
  readonly type: string;
  evaluate(sample: Sample, nowMs: number): Result;
  /** The tree with the type, and the value at the last evaluation, of every part. */
  explain(): readonly ExplainedLine[];
}

export interface CompiledTemplate {
  /** The text with its holes filled. */
  fill(sample: Sample, nowMs: number): string;
}

export type Compiled<T> =
  | { readonly compiled: T; readonly errors: readonly [] }
  | { readonly compiled?: never; readonly errors: readonly PlacedProblem[] };

/** Compiles an expression over named roots. History functions have no history here: every evaluation is a poll. */
export function compileExpression(
  text: string,
  roots: Roots,
  wanted?: Type,
): Compiled<CompiledExpression> {
  const { tree, problems } = parseExpressionText(text);
  if (tree === undefined) return { errors: placed(text, problems) };
  const analysis = analyseExpressions([tree], roots);
  if (analysis.problems.length > 0) return { errors: placed(text, analysis.problems) };
  const type = analysis.types.get(tree) ?? "dyn";
  if (wanted === "bool" && type !== "bool" && type !== "dyn") {
    const message = `condition must be bool, not ${typeText(type)}`;
    return { errors: placed(text, [{ code: "E208", message, start: tree.start, end: tree.end }]) };
  }
  const program = new Program();
  const closure = compile(tree, program);
  const evaluator = new Evaluator(program, roots);
  let polls = 0;
  return {
    errors: [],
    compiled: {
      type: typeText(type),
      evaluate(sample, nowMs) {
        polls += 1;
        evaluator.load(sample, nowMs, polls);
        evaluator.remember();
        const value = evaluator.value(closure);
        if (value instanceof Fault) return { error: value.message };
        return value === MISSING ? { missing: true } : { value: jsonOf(value) };
      },
      explain: () =>
        explained({ when: { expression: tree }, except: [] }, analysis.types, (node) => {
          if (polls === 0) return undefined;
          evaluator.frame.steps = 0;
          return evaluator.value(compile(node, program));
        }),
    },
  };
}

/** Compiles a text with `{{expression}}` holes over named roots. */
export function compileText(text: string, roots: Roots): Compiled<CompiledTemplate> {
  const offsets = Array.from({ length: text.length + 1 }, (_, index) => index);
  const { template, problems } = templateOf(text, offsets);
  const holes = template.parts.filter((part) => typeof part !== "string");
  const found = problems.length > 0 ? problems : analyseExpressions(holes, roots).problems;
  if (found.length > 0) return { errors: placed(text, found) };
  const program = new Program();
  const fill = compileTemplate(template, program);
  const evaluator = new Evaluator(program, roots);
  let polls = 0;
  return {
    errors: [],
    compiled: {
      fill(sample, nowMs) {
        polls += 1;
        evaluator.load(sample, nowMs, polls);
        evaluator.remember();
        return fill(evaluator);
      },
    },
  };
}
