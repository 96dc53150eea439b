import { suggest } from "../lib/suggest.ts";
import type { CallNode, Expression } from "./ast.ts";
import { WINDOW_MS_MAX, WINDOW_POLLS_MAX } from "./bounds.ts";
import { check, type Findings, type Scope } from "./check-expression.ts";
import { checkPattern } from "./check-operators.ts";
import {
  arity,
  type HistoryFunction,
  type HistoryWindow,
  type ListFunction,
  namesOf,
  type PlainFunction,
  type TriggerFunction,
} from "./function-spec.ts";
import { functionOf, signatureOf, triggerFunctions } from "./functions.ts";
import { durationText } from "./literals.ts";
import type { Span } from "./problems.ts";
import { nameOf, type Type, typeText } from "./value-types.ts";
import { Fault } from "./values.ts";
import { isZone, offsetOf } from "./zones.ts";

/** The type of a call: its function, the number of its arguments and their types are checked. */
export function checkCall(node: CallNode, findings: Findings, scope: Scope): Type {
  const { name } = node;
  const spec = functionOf(name, node.arguments.length);
  if (spec === undefined) return unknownFunction(node, findings, scope);
  const [least, most] = arity(spec);
  const count = node.arguments.length;
  if (count < least || count > most) {
    // `x.f(y)` is counted as it is written.
    const own = spec.kind === "list" ? 1 : 0;
    const takes = least === most ? `${most - own}` : `${least - own} to ${most - own}`;
    const noun = takes === "1" ? "argument" : "arguments";
    return findings.report(
      "E205",
      node.at,
      `${name}() takes ${takes} ${noun}, not ${count - own}`,
      signatureOf(spec.kind === "list" ? `.${name}` : name),
    );
  }
  switch (spec.kind) {
    case "plain":
      return checkPlain(node, spec, findings, scope);
    case "list":
      return checkList(node, spec, findings, scope);
    case "history":
      return checkHistory(node, spec, findings, scope);
  }
}

function unknownFunction(
  { name, at, arguments: given, isMethod }: CallNode,
  findings: Findings,
  scope: Scope,
): Type {
  for (const argument of isMethod ? given.slice(0, 1) : given) check(argument, findings, scope);
  const names = Object.keys(triggerFunctions).map((each) => each.replace(".", ""));
  const near = suggest(name, names);
  const hint =
    near === undefined
      ? `functions are ${[...new Set(names)].join(", ")}`
      : `did you mean ${near}?`;
  return findings.report("E402", at, `unknown function ${name}`, hint);
}

/** One argument against its parameter. */
function checkArgument(
  node: CallNode,
  spec: TriggerFunction,
  index: number,
  type: Type,
  findings: Findings,
): boolean {
  const names = namesOf(spec.params[index] ?? "any");
  const name = nameOf(type);
  if (names === undefined || name === "dyn" || name === "null" || names.includes(name)) return true;
  const takes = new Intl.ListFormat("en", { type: "disjunction" }).format(names);
  findings.report(
    "E212",
    node.arguments[index] ?? node.at,
    `${node.name}() takes ${takes}, not ${typeText(type)}`,
    spec.doc,
  );
  return false;
}

function checkPlain(node: CallNode, spec: PlainFunction, findings: Findings, scope: Scope): Type {
  const types = node.arguments.map((argument) => check(argument, findings, scope));
  const fits = types.map((type, index) => checkArgument(node, spec, index, type, findings));
  const [first, second] = node.arguments;
  if (node.name === "matches" && second !== undefined) checkPattern(second, findings);
  if (first?.kind === "string" && (node.name === "timestamp" || node.name === "number")) {
    const value = spec.call([first.value], {
      roots: [],
      locals: [],
      rings: [],
      nowMs: 0,
      steps: 0,
    });
    if (value instanceof Fault) findings.report("E210", first, value.message);
  }
  for (const [index, argument] of node.arguments.entries())
    if (spec.params[index]?.startsWith("zone") === true && argument.kind === "string")
      checkZone(argument.value, argument, findings);
  return fits.every(Boolean) ? spec.returns(types) : "dyn";
}

function checkZone(zone: string, at: Span, findings: Findings): void {
  if (isZone(zone) || offsetOf(zone) !== undefined) return;
  findings.report(
    "E207",
    at,
    `unknown time zone ${zone}`,
    "write a name such as Europe/Oslo or UTC",
  );
}

function checkList(node: CallNode, spec: ListFunction, findings: Findings, scope: Scope): Type {
  const [list, element, expression] = node.arguments;
  if (list === undefined || element === undefined || expression === undefined) return "dyn";
  const listType = check(list, findings, scope);
  if (!checkArgument(node, spec, 0, listType, findings)) return "dyn";
  if (element.kind !== "name")
    return findings.report(
      "E214",
      element,
      `${node.name}() needs a name for the element first`,
      `write ${node.name}(x, ...) with x in the condition`,
    );
  const item: Type =
    typeof listType === "object" && listType.kind === "list"
      ? listType.item
      : nameOf(listType) === "map"
        ? "string"
        : "dyn";
  findings.types.set(element, item);
  const inner = { ...scope, locals: [...scope.locals, { name: element.name, type: item }] };
  const result = check(expression, findings, inner);
  if (node.name !== "map" && result !== "bool" && result !== "dyn")
    return findings.report("E208", expression, `condition must be bool, not ${typeText(result)}`);
  return spec.returns([listType, item, result]);
}

function checkHistory(
  node: CallNode,
  spec: HistoryFunction,
  findings: Findings,
  scope: Scope,
): Type {
  if (scope.inHistory)
    return findings.report(
      "E209",
      node,
      `history cannot nest: ${node.name}() stands in another history function`,
    );
  if (scope.locals.length > 0)
    return findings.report(
      "E215",
      node,
      `${node.name}() stands in a list function: there is no history of elements`,
      "take the history of the whole",
    );
  findings.history.push(node);
  const [first, second] = node.arguments;
  if (first === undefined) return "dyn";
  const type = check(first, findings, { ...scope, inHistory: true });
  const fits = checkArgument(node, spec, 0, type, findings);
  if (second !== undefined) checkSecond(node, spec, second, findings, scope);
  return fits ? spec.returns([type]) : "dyn";
}

function checkSecond(
  node: CallNode,
  spec: HistoryFunction,
  second: Expression,
  findings: Findings,
  scope: Scope,
): void {
  const parameter = spec.params[1]?.replace("?", "");
  if (parameter !== "window" && parameter !== "polls") {
    checkArgument(node, spec, 1, check(second, findings, { ...scope, inHistory: true }), findings);
    return;
  }
  const window = windowOf(second, parameter);
  if (window === undefined) {
    const wanted =
      parameter === "window"
        ? "window must be a duration or a poll count"
        : `${node.name}() counts polls`;
    findings.report("E206", second, wanted, "write it as a literal, such as 5m or 5 polls");
    return;
  }
  const { polls = 1, ms = 1 } = window;
  if (polls <= 0 || ms <= 0 || !Number.isInteger(polls))
    findings.report("E301", second, "a window must be greater than zero, and whole polls");
  else if (polls > WINDOW_POLLS_MAX || ms > WINDOW_MS_MAX)
    findings.report(
      "E303",
      second,
      `window exceeds ${durationText(WINDOW_MS_MAX)} or ${WINDOW_POLLS_MAX} polls`,
    );
}

/** The window that a literal says; undefined when it is none. A count of polls may be a bare number where nothing else fits. */
export function windowOf(
  node: Expression | undefined,
  parameter: string | undefined,
): HistoryWindow | undefined {
  if (node === undefined) return {};
  if (node.kind === "polls") return { polls: node.count };
  if (node.kind === "duration" && parameter === "window") return { ms: node.ms };
  return node.kind === "number" && parameter === "polls" ? { polls: node.value } : undefined;
}
