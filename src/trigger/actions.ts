import type { Json } from "../lib/json.ts";
import type { Action, StringLiteral, TargetKind, Trigger } from "./ast.ts";
import { TEXT_CHARS_MAX } from "./bounds.ts";
import { compile, type Program } from "./compile.ts";
import type { Closure } from "./frame.ts";
import type { Evaluator } from "./samples.ts";
import type { Template } from "./template.ts";
import { jsonOf, textOf } from "./values.ts";

/** An action with its texts filled in. */
export interface DueAction {
  readonly kind: "wake" | "silent" | TargetKind;
  readonly name?: string;
  readonly text?: string;
  readonly argument?: Json;
}

/** A text with holes, compiled: fills the holes from what the evaluator has loaded. */
export function compileTemplate(
  { parts }: Template,
  program: Program,
): (evaluator: Evaluator) => string {
  const pieces = parts.map((part): string | Closure =>
    typeof part === "string" ? part : compile(part, program),
  );
  return (evaluator) => {
    let text = "";
    for (const piece of pieces) {
      // A value of outside may be large, and stand in a text many times: nobody reads what is beyond.
      if (text.length >= TEXT_CHARS_MAX) break;
      text += typeof piece === "string" ? piece : textOf(evaluator.value(piece));
    }
    return text.slice(0, TEXT_CHARS_MAX);
  };
}

/** What a trigger does when it fires; without a `then` it wakes. */
export function compileFire(
  trigger: Trigger,
  templates: ReadonlyMap<StringLiteral, Template>,
  program: Program,
): (evaluator: Evaluator) => readonly DueAction[] {
  const actions = compileActions(trigger.then?.actions ?? [], templates, program);
  return trigger.then === undefined ? () => [{ kind: "wake" }] : actions;
}

export function compileActions(
  actions: readonly Action[],
  templates: ReadonlyMap<StringLiteral, Template>,
  program: Program,
): (evaluator: Evaluator) => readonly DueAction[] {
  const makers = actions.map((action) => compileAction(action, templates, program));
  return (evaluator) => makers.map((make) => make(evaluator));
}

function compileAction(
  action: Action,
  templates: ReadonlyMap<StringLiteral, Template>,
  program: Program,
): (evaluator: Evaluator) => DueAction {
  if (action.kind === "silent") return () => ({ kind: "silent" });
  const template = action.text === undefined ? undefined : templates.get(action.text);
  const text = template === undefined ? undefined : compileTemplate(template, program);
  const map =
    action.kind === "wake" || action.map === undefined ? undefined : compile(action.map, program);
  return (evaluator) => ({
    kind: action.kind,
    ...(action.kind !== "wake" && { name: action.name }),
    ...(text !== undefined && { text: text(evaluator) }),
    ...(map !== undefined && { argument: jsonOf(evaluator.value(map)) }),
  });
}
