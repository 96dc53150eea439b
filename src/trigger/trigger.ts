/** The trigger language: text in; problems, a tree, or a machine out. Everything is synchronous and has no clock. */
import type { Trigger } from "./ast.ts";
import { type Analysis, analyseTrigger } from "./check.ts";
import { explained, linesText } from "./explain.ts";
import { Machine } from "./machine.ts";
import { type Parsed, parseTriggerText } from "./parse.ts";
import { type PlacedProblem, placed } from "./placed.ts";
import { printTrigger } from "./print.ts";
import { type Roots, rootsOf, type Source } from "./roots.ts";

export { compileExpression, compileText } from "./expression.ts";
export { signatureOf, triggerFunctions } from "./functions.ts";
export { rootsOf, sources } from "./roots.ts";

export interface TriggerOptions {
  readonly source: Source;
  /** The time zone of windows that name none; UTC unless given. */
  readonly zone?: string;
  /** The output schema of the tool of a `custom` source. */
  readonly schema?: unknown;
}

export interface CheckedTrigger {
  readonly ok: boolean;
  readonly errors: readonly PlacedProblem[];
}

interface Understood {
  readonly trigger: Trigger;
  readonly analysis: Analysis;
  readonly roots: Roots;
  readonly zone: string;
}

export function parseTrigger(text: string): Parsed<Trigger> {
  return parseTriggerText(text);
}

/** The text of a trigger in its canonical form. */
export function formatTrigger(trigger: Trigger): string {
  return printTrigger(trigger);
}

export function checkTrigger(text: string, options: TriggerOptions): CheckedTrigger {
  const { errors } = understand(text, options);
  return { ok: errors.length === 0, errors };
}

/** The machine of a trigger; its problems when it has some. */
export function compileTrigger(
  text: string,
  options: TriggerOptions,
): { readonly machine?: Machine; readonly errors: readonly PlacedProblem[] } {
  const { understood, errors } = understand(text, options);
  return understood === undefined
    ? { errors }
    : { errors, machine: new Machine({ source: text, ...understood }) };
}

/** The typed tree of a trigger as lines; no lines when it has problems. */
export function explainTrigger(text: string, options: TriggerOptions): readonly string[] {
  const { understood } = understand(text, options);
  if (understood === undefined) return [];
  const { trigger, analysis } = understood;
  return linesText(explained(trigger, analysis.types, () => undefined));
}

function understand(
  text: string,
  { source, zone = "UTC", schema }: TriggerOptions,
): { readonly understood?: Understood; readonly errors: readonly PlacedProblem[] } {
  const { tree, problems } = parseTriggerText(text);
  if (tree === undefined) return { errors: placed(text, problems) };
  const roots = rootsOf(source, schema);
  const analysis = analyseTrigger(tree, roots, zone);
  if (analysis.problems.length > 0) return { errors: placed(text, analysis.problems) };
  return { errors: [], understood: { trigger: tree, analysis, roots, zone } };
}
