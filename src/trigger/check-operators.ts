import { suggest } from "../lib/suggest.ts";
import type { BinaryNode, Expression, Relation } from "./ast.ts";
import type { Findings } from "./check-expression.ts";
import { arithmetic, ordered, patternOf } from "./operators.ts";
import { joined, nameOf, type Type, type TypeName, typeText } from "./value-types.ts";
import { Fault } from "./values.ts";

/** The type of an operation on two checked operands. */
export function checkBinary(node: BinaryNode, left: Type, right: Type, findings: Findings): Type {
  const { operator } = node;
  switch (operator) {
    case "??":
      return joined(left, right);
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
      return arithmeticType(node, left, right, findings);
    default:
      checkRelation({ ...node, operator }, left, right, findings);
      return "bool";
  }
}

function arithmeticType(
  { operator, at }: BinaryNode,
  left: Type,
  right: Type,
  findings: Findings,
): Type {
  const rows = arithmetic[operator as keyof typeof arithmetic];
  const a = nameOf(left);
  const b = nameOf(right);
  const fitting = rows.filter(([x, y]) => (x === a || a === "dyn") && (y === b || b === "dyn"));
  const [row] = fitting;
  if (row === undefined)
    return findings.report("E203", at, `no operator ${a} ${operator} ${b}`, hintFor(a, b));
  if (a === "list" && b === "list") return joined(left, right);
  return fitting.every(([, , result]) => result === row[2]) && row[2] !== "list" && row[2] !== "map"
    ? row[2]
    : "dyn";
}

function hintFor(a: TypeName, b: TypeName): string {
  if (a === "string" || b === "string")
    return "nothing converts by itself: use number() or string()";
  return a === "number" || b === "number" ? "write a unit, such as 500ms" : "convert one of them";
}

type RelationNode = BinaryNode & { readonly operator: Relation };

function checkRelation(node: RelationNode, left: Type, right: Type, findings: Findings): void {
  switch (node.operator) {
    case "in":
    case "not in":
      checkMembership(node, left, right, findings);
      return;
    case "contains":
      checkContains(node, left, right, findings);
      return;
    case "matches":
    case "startsWith":
    case "endsWith":
      if ([left, right].some((type) => !["string", "dyn"].includes(nameOf(type))))
        noOperator(node, left, right, findings, `${node.operator} takes two strings`);
      else if (node.operator === "matches") checkPattern(node.right, findings);
      return;
    default:
      checkComparison(node, left, right, findings);
  }
}

function noOperator(
  { at, operator }: RelationNode,
  left: Type,
  right: Type,
  findings: Findings,
  hint: string,
): void {
  findings.report("E203", at, `no operator ${nameOf(left)} ${operator} ${nameOf(right)}`, hint);
}

/** A regular expression that stands in the text is compiled now. */
export function checkPattern(node: Expression, findings: Findings): void {
  if (node.kind !== "string") return;
  const pattern = patternOf(node.value);
  if (pattern instanceof Fault)
    findings.report(
      "E204",
      node,
      `invalid regular expression: ${pattern.message}`,
      "the syntax is that of RE2: no look-around, no back references",
    );
}

function checkComparison(node: RelationNode, left: Type, right: Type, findings: Findings): void {
  const a = nameOf(left);
  const b = nameOf(right);
  const isEquality = node.operator === "==" || node.operator === "!=";
  if (isEquality && (a === "null" || b === "null")) return;
  if (!comparable(node, left, right, findings)) return;
  if (isEquality) {
    impossible(node, left, right, findings);
    return;
  }
  const unordered = [a, b].find((name) => name !== "dyn" && !ordered.includes(name));
  if (unordered !== undefined)
    findings.report("E201", node.at, `cannot compare ${a} with ${b}: ${unordered} has no order`);
}

/** Whether values of the two types can be the same; if not, it is told. */
function comparable(node: RelationNode, left: Type, right: Type, findings: Findings): boolean {
  const a = nameOf(left);
  const b = nameOf(right);
  if (a === b || a === "dyn" || b === "dyn") return true;
  const isTime = (a === "duration" && b === "number") || (a === "number" && b === "duration");
  const literal = a === "number" ? node.left : node.right;
  const example = literal.kind === "number" ? `${literal.value}ms` : "500ms";
  if (isTime)
    findings.report(
      "E202",
      node.at,
      `cannot compare ${a} with ${b}`,
      `write a unit, such as ${example}`,
    );
  else findings.report("E201", node.at, `cannot compare ${a} with ${b}`, conversion([a, b]));
  return false;
}

/** How two types come together that cannot be compared. */
function conversion(types: readonly TypeName[]): string {
  if (!types.includes("timestamp")) return "nothing converts by itself: use number() or string()";
  if (types.includes("duration")) return "age() of a timestamp is a duration: age(now) > 5m";
  return types.includes("string")
    ? 'write timestamp("2026-01-31T09:00:00Z"), or string() of the other side'
    : "nothing converts by itself: age() of a timestamp is a duration";
}

/** A literal that the other side, one of a few strings, never is. */
function impossible(node: RelationNode, left: Type, right: Type, findings: Findings): void {
  neverIs(left, node.right, findings);
  neverIs(right, node.left, findings);
}

function neverIs(type: Type, literal: Expression, findings: Findings): void {
  if (typeof type === "string" || type.kind !== "enum" || literal.kind !== "string") return;
  if (type.values.includes(literal.value)) return;
  const near = suggest(literal.value, type.values);
  const hint =
    near === undefined ? `it is one of ${type.values.join(", ")}` : `did you mean ${near}?`;
  findings.report("E210", literal, `it is never ${JSON.stringify(literal.value)}`, hint);
}

function checkMembership(node: RelationNode, left: Type, right: Type, findings: Findings): void {
  if (typeof right === "object" && right.kind === "list") {
    if (left === "null" || right.item === "null" || !comparable(node, left, right.item, findings))
      return;
    if (node.right.kind === "list")
      for (const item of node.right.items) neverIs(left, item, findings);
    return;
  }
  const key = nameOf(left);
  const container = nameOf(right);
  const fits = container === "dyn" || (container === "map" && (key === "string" || key === "dyn"));
  if (!fits)
    noOperator(
      node,
      left,
      right,
      findings,
      container === "string" ? "use contains" : "in takes a list, or a map and a string",
    );
}

function checkContains(node: RelationNode, left: Type, right: Type, findings: Findings): void {
  if (typeof left === "object" && left.kind === "list") {
    if (right !== "null" && left.item !== "null") comparable(node, left.item, right, findings);
    return;
  }
  const container = nameOf(left);
  const part = nameOf(right);
  const fits =
    container === "dyn" ||
    ((container === "string" || container === "map") && ["string", "dyn"].includes(part));
  if (!fits)
    noOperator(
      node,
      left,
      right,
      findings,
      `contains takes a string, a list or a map on its left, not ${typeText(left)}`,
    );
}
