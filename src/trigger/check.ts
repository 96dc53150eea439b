import type {
  Action,
  Condition,
  Expression,
  Lasting,
  StringLiteral,
  Timed,
  Trigger,
  Window,
} from "./ast.ts";
import {
  DEPTH_MAX,
  DURATION_MS_MAX,
  FIRES_MAX,
  HISTORY_CALLS_MAX,
  NODES_MAX,
  WINDOW_POLLS_MAX,
} from "./bounds.ts";
import { check, Findings, outermost } from "./check-expression.ts";
import { measured } from "./measure.ts";
import { PROBLEMS_MAX, type Problem, type Span } from "./problems.ts";
import type { Roots } from "./roots.ts";
import { type Template, templateOfLiteral } from "./template.ts";
import { type Type, typeText } from "./value-types.ts";
import { isZone } from "./zones.ts";

/** What the checker knows of a tree when it is done. */
export interface Analysis {
  readonly problems: readonly Problem[];
  readonly types: ReadonlyMap<Expression, Type>;
  /** The history calls: each gets a ring, in this order. */
  readonly history: readonly Expression[];
  readonly templates: ReadonlyMap<StringLiteral, Template>;
}

/** Checks a whole trigger; `zone` is the time zone of windows that name none. */
export function analyseTrigger(trigger: Trigger, roots: Roots, zone: string): Analysis {
  const findings = new Findings(roots);
  const templates = new Map<StringLiteral, Template>();
  checkCondition(trigger.when, findings);
  if (trigger.followed !== undefined) {
    checkBool(trigger.followed.by, findings);
    checkTimed(trigger.followed.within, findings);
  }
  if (trigger.clear !== undefined) checkCondition(trigger.clear, findings);
  for (const timed of [trigger.keep, trigger.cooldown, trigger.repeat])
    if (timed !== undefined) checkTimed(timed, findings);
  const limit = trigger["at most"];
  if (limit !== undefined) {
    checkCount(limit.count, FIRES_MAX, limit, findings);
    checkTimed(limit.per, findings);
  }
  if (trigger.between !== undefined) checkWindow(trigger.between, zone, findings);
  for (const window of trigger.except) checkWindow(window, zone, findings);
  if (trigger.then !== undefined) checkActions(trigger.then.actions, templates, findings);
  const expressions = [
    ...conditionsOf(trigger),
    ...holesOf(templates),
    ...mapsOf(trigger.then?.actions ?? []),
  ];
  return finished(expressions, templates, findings);
}

/** Checks actions alone: those that are taken when firing ends. */
export function analyseRecovery(actions: readonly Action[], roots: Roots): Analysis {
  const findings = new Findings(roots);
  const templates = new Map<StringLiteral, Template>();
  const [only, more] = actions;
  if (only?.kind === "silent" && more === undefined)
    findings.report(
      "E211",
      only,
      "a recovery that is silent does nothing",
      "write another action, such as wake, or leave recovery out",
    );
  checkActions(actions, templates, findings);
  return finished([...holesOf(templates), ...mapsOf(actions)], templates, findings);
}

/** Checks an expression alone, or a template alone. */
export function analyseExpressions(expressions: readonly Expression[], roots: Roots): Analysis {
  const findings = new Findings(roots);
  for (const each of expressions) check(each, findings, outermost);
  return finished(expressions, new Map(), findings);
}

function finished(
  expressions: readonly Expression[],
  templates: ReadonlyMap<StringLiteral, Template>,
  findings: Findings,
): Analysis {
  checkSize(expressions, findings);
  const extra = findings.history[HISTORY_CALLS_MAX];
  if (extra !== undefined)
    findings.report(
      "E307",
      extra,
      `more than ${HISTORY_CALLS_MAX} history calls`,
      "make two watchers of it",
    );
  const problems = findings.problems.toSorted((a, b) => a.start - b.start).slice(0, PROBLEMS_MAX);
  return { problems, types: findings.types, history: findings.history, templates };
}

function conditionsOf({ when, followed, clear }: Trigger): Expression[] {
  return [when.expression, followed?.by, clear?.expression].filter((each) => each !== undefined);
}

function holesOf(templates: ReadonlyMap<StringLiteral, Template>): Expression[] {
  return [...templates.values()].flatMap(({ parts }) =>
    parts.filter((part) => typeof part !== "string"),
  );
}

function mapsOf(actions: readonly Action[]): Expression[] {
  return actions.flatMap((action) =>
    "map" in action && action.map !== undefined ? [action.map] : [],
  );
}

function checkSize(expressions: readonly Expression[], findings: Findings): void {
  let nodes = 0;
  for (const expression of expressions) {
    const size = measured(expression);
    nodes += size.nodes;
    if (size.depth > DEPTH_MAX)
      findings.report(
        "E306",
        expression,
        `nested more than ${DEPTH_MAX} deep`,
        "move a part into a tool",
      );
  }
  const [first] = expressions;
  if (nodes > NODES_MAX && first !== undefined)
    findings.report(
      "E305",
      first,
      `${nodes} parts, more than ${NODES_MAX}`,
      "move a part into a tool",
    );
}

function checkBool(expression: Expression, findings: Findings): void {
  const type = check(expression, findings, outermost);
  if (type !== "bool" && type !== "dyn")
    findings.report(
      "E208",
      expression,
      `condition must be bool, not ${typeText(type)}`,
      "compare it with something",
    );
}

function checkCondition({ expression, lasting }: Condition, findings: Findings): void {
  checkBool(expression, findings);
  if (lasting !== undefined) checkLasting(lasting, findings);
}

function checkLasting(lasting: Lasting, findings: Findings): void {
  if (lasting.kind === "time") {
    checkTimed(lasting, findings);
    return;
  }
  const { count, of } = lasting;
  if (
    checkCount(of, WINDOW_POLLS_MAX, lasting, findings) &&
    checkCount(count, WINDOW_POLLS_MAX, lasting, findings) &&
    count > of
  )
    findings.report(
      "E301",
      lasting,
      `${count} of ${of} polls can never be`,
      "the first number is the smaller one",
    );
}

function checkTimed(timed: Timed, findings: Findings): void {
  if (!(timed.ms > 0)) findings.report("E301", timed, "a duration here must be greater than zero");
  else if (timed.ms > DURATION_MS_MAX)
    findings.report("E301", timed, "the duration is longer than a thousand years");
}

function checkCount(count: number, most: number, at: Span, findings: Findings): boolean {
  if (Number.isInteger(count) && count > 0 && count <= most) return true;
  findings.report(
    "E301",
    at,
    `a count must be a whole number greater than zero, and at most ${most}`,
  );
  return false;
}

function checkWindow(window: Window, zone: string, findings: Findings): void {
  if (window.fromMinute === window.toMinute)
    findings.report(
      "E302",
      window,
      "the window is empty",
      "its end is exclusive: give it another end, or leave the clause out",
    );
  const name = window.zone?.value ?? zone;
  if (!isZone(name))
    findings.report(
      "E207",
      window.zone ?? window,
      `unknown time zone ${name}`,
      "write a name such as Europe/Oslo or UTC",
    );
}

function checkActions(
  actions: readonly Action[],
  templates: Map<StringLiteral, Template>,
  findings: Findings,
): void {
  for (const action of actions) {
    if (action.kind === "silent") {
      if (actions.length > 1)
        findings.report(
          "E211",
          action,
          "silent must be the only action",
          "leave it out, or the others",
        );
      continue;
    }
    if (action.text !== undefined) checkTemplate(action.text, templates, findings);
    if (action.kind !== "wake" && action.map !== undefined) check(action.map, findings, outermost);
  }
}

function checkTemplate(
  literal: StringLiteral,
  templates: Map<StringLiteral, Template>,
  findings: Findings,
): void {
  const { template, problems } = templateOfLiteral(literal);
  templates.set(literal, template);
  findings.problems.push(...problems);
  for (const part of template.parts) if (typeof part !== "string") check(part, findings, outermost);
}
