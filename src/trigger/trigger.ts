/** The trigger language: text in; problems, a tree, or a machine out. Everything is synchronous and has no clock. */
import type { Trigger } from "./ast.ts";
import { type Analysis, analyseRecovery, analyseTrigger } from "./check.ts";
import { explained, linesText } from "./explain.ts";
import { Machine, type Recovery } from "./machine.ts";
import { type Parsed, parseActionsText, parseTriggerText } from "./parse.ts";
import { type PlacedProblem, placed } from "./placed.ts";
import { printTrigger } from "./print.ts";
import { referencesIn, referencesOf, type TriggerReference } from "./references.ts";
import { type Roots, rootsOf, type Source } from "./roots.ts";

export { compileExpression, compileText } from "./expression.ts";
export { signatureOf, triggerFunctions } from "./functions.ts";
export { rootsOf, sources } from "./roots.ts";
export { isZone } from "./zones.ts";
export type { PlacedProblem, TriggerReference };

export interface TriggerOptions {
  readonly source: Source;
  /** The time zone of windows that name none; UTC unless given. */
  readonly zone?: string;
  /** The output schema of the tool of a `custom` source. */
  readonly schema?: unknown;
  /** Actions, as behind `then`, that are taken when firing ends. */
  readonly recovery?: string;
}

/** What is wrong: with the trigger, and with the recovery. */
interface Errors {
  readonly errors: readonly PlacedProblem[];
  readonly recoveryErrors: readonly PlacedProblem[];
}

export interface CheckedTrigger extends Errors {
  readonly ok: boolean;
  /** What it names that stands outside; of a text that cannot be read nothing is known. */
  readonly references: readonly TriggerReference[];
}

interface Understood {
  readonly trigger: Trigger;
  readonly analysis: Analysis;
  readonly roots: Roots;
  readonly zone: string;
  readonly recovery?: Recovery;
}

export function parseTrigger(text: string): Parsed<Trigger> {
  return parseTriggerText(text);
}

/** The text of a trigger in its canonical form. */
export function formatTrigger(trigger: Trigger): string {
  return printTrigger(trigger);
}

export function checkTrigger(text: string, options: TriggerOptions): CheckedTrigger {
  const { errors, recoveryErrors, references } = understand(text, options);
  return {
    ok: errors.length + recoveryErrors.length === 0,
    errors,
    recoveryErrors,
    references,
  };
}

/** The machine of a trigger and its recovery; their problems when they have some. */
export function compileTrigger(
  text: string,
  options: TriggerOptions,
): Errors & { readonly machine?: Machine } {
  const { understood, errors, recoveryErrors } = understand(text, options);
  return understood === undefined
    ? { errors, recoveryErrors }
    : { errors, recoveryErrors, machine: new Machine({ source: text, ...understood }) };
}

/** The typed tree of a trigger as lines; no lines when it has problems. */
export function explainTrigger(text: string, options: TriggerOptions): readonly string[] {
  const { understood } = understand(text, options);
  if (understood === undefined) return [];
  const { trigger, analysis } = understood;
  return linesText(explained(trigger, analysis.types, () => undefined));
}

interface Reading extends Errors {
  readonly understood?: Understood;
  readonly references: readonly TriggerReference[];
}

function understand(text: string, options: TriggerOptions): Reading {
  const { source, zone = "UTC", schema } = options;
  const roots = rootsOf(source, schema);
  const after = recoveryOf(options.recovery, roots);
  const { errors: recoveryErrors, recovery } = after;
  const { tree, problems } = parseTriggerText(text);
  if (tree === undefined)
    return { errors: placed(text, problems), recoveryErrors, references: after.references };
  const references = [...referencesOf(tree), ...after.references];
  const analysis = analyseTrigger(tree, roots, zone);
  const errors = placed(text, analysis.problems);
  if (errors.length + recoveryErrors.length > 0) return { errors, recoveryErrors, references };
  const understood = { trigger: tree, analysis, roots, zone, ...(recovery && { recovery }) };
  return { errors, recoveryErrors, references, understood };
}

function recoveryOf(
  text: string | undefined,
  roots: Roots,
): {
  readonly recovery?: Recovery;
  readonly errors: readonly PlacedProblem[];
  readonly references: readonly TriggerReference[];
} {
  if (text === undefined) return { errors: [], references: [] };
  const { tree, problems } = parseActionsText(text);
  if (tree === undefined) return { errors: placed(text, problems), references: [] };
  const analysis = analyseRecovery(tree, roots);
  const references = referencesIn(tree, "recovery");
  const errors = placed(text, analysis.problems);
  if (errors.length > 0) return { errors, references };
  return { errors, references, recovery: { source: text, actions: tree, analysis } };
}
