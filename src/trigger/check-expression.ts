import { suggest } from "../lib/suggest.ts";
import type { BinaryNode, Expression, FieldNode, IndexNode, NameNode } from "./ast.ts";
import { DURATION_MS_MAX } from "./bounds.ts";
import { checkCall } from "./check-calls.ts";
import { checkBinary } from "./check-operators.ts";
import { type Problem, type ProblemCode, problem, type Span } from "./problems.ts";
import type { Roots } from "./roots.ts";
import { joined, listOf, mapOf, nameOf, type Type, typeText } from "./value-types.ts";

/** Where an expression stands: names of elements that are open, and whether history or a list function is around it. */
export interface Scope {
  readonly locals: readonly { readonly name: string; readonly type: Type }[];
  readonly inHistory: boolean;
}

export const outermost: Scope = { locals: [], inHistory: false };

/** What the checker of one trigger has found so far. */
export class Findings {
  readonly problems: Problem[] = [];
  readonly types = new Map<Expression, Type>();
  /** The history calls, in the order of the text; `prev` alone is one. */
  readonly history: Expression[] = [];
  readonly roots: Roots;

  constructor(roots: Roots) {
    this.roots = roots;
  }

  report(code: ProblemCode, at: Span, message: string, hint?: string): "dyn" {
    this.problems.push(problem(code, at, message, hint));
    return "dyn";
  }
}

/** The type of an expression. What is wrong goes into the findings, and its type is then `dyn`, so that it is told once. */
export function check(node: Expression, findings: Findings, scope: Scope): Type {
  const type = typeOf(node, findings, scope);
  findings.types.set(node, type);
  return type;
}

function typeOf(node: Expression, findings: Findings, scope: Scope): Type {
  switch (node.kind) {
    case "number":
      return Number.isFinite(node.value) &&
        (!node.isSize || Number.isSafeInteger(Math.ceil(node.value)))
        ? "number"
        : findings.report("E301", node, "the number is too large");
    case "duration":
      return node.ms <= DURATION_MS_MAX
        ? "duration"
        : findings.report("E301", node, "the duration is longer than a thousand years");
    case "polls":
      return findings.report(
        "E206",
        node,
        "a number of polls is a window, not a value",
        "write the number alone",
      );
    case "string":
      return "string";
    case "constant":
      return node.value === null ? "null" : "bool";
    case "name":
      return nameType(node, findings, scope);
    case "unary":
      return unaryType(node.operator, node.operand, findings, scope);
    case "binary":
      return binaryType(node, findings, scope);
    case "logic":
      for (const operand of node.operands) condition(operand, node.operator, findings, scope);
      return "bool";
    case "conditional":
      condition(node.test, "?", findings, scope);
      return joined(check(node.then, findings, scope), check(node.otherwise, findings, scope));
    case "field":
      return fieldType(node, findings, scope);
    case "index":
      return indexType(node, findings, scope);
    case "call":
      return checkCall(node, findings, scope);
    case "list": {
      const items = node.items.map((item) => check(item, findings, scope));
      return listOf(items.length === 0 ? "dyn" : items.reduce(joined));
    }
    case "map": {
      for (const { key } of node.entries) checkKey(key, findings, scope);
      const values = node.entries.map(({ value }) => check(value, findings, scope));
      return mapOf(values.length === 0 ? "dyn" : values.reduce(joined));
    }
  }
}

/** A key is an expression too: a bare word in its place is mostly meant as a string. */
function checkKey(key: Expression, findings: Findings, scope: Scope): void {
  const isName = key.kind === "name" && !Object.hasOwn(findings.roots, key.name);
  if (isName && !scope.locals.some(({ name }) => name === key.name)) {
    findings.types.set(key, "dyn");
    const hint = `a key is a string: write "${key.name}"`;
    findings.report("E401", key, `unknown name ${key.name}`, hint);
    return;
  }
  const type = nameOf(check(key, findings, scope));
  if (type !== "string" && type !== "dyn")
    findings.report("E216", key, `a map key is a string, not ${type}`, "write it in quotes");
}

/** An operand that has to be true or false. */
function condition(node: Expression, operator: string, findings: Findings, scope: Scope): void {
  const type = check(node, findings, scope);
  if (type !== "bool" && type !== "dyn")
    findings.report(
      "E203",
      node,
      `${operator} takes conditions, not ${typeText(type)}`,
      "compare it with something",
    );
}

function nameType(node: NameNode, findings: Findings, scope: Scope): Type {
  const { name, start, end } = node;
  const at = { start, end };
  const local = scope.locals.findLast((each) => each.name === name);
  if (local !== undefined) return local.type;
  const { roots } = findings;
  const type = Object.hasOwn(roots, name) ? roots[name] : undefined;
  if (name === "prev" && type !== undefined) {
    if (scope.inHistory)
      return findings.report(
        "E209",
        at,
        "history cannot nest: prev is the value of the poll before",
      );
    findings.history.push(node);
  }
  if (type !== undefined) return type;
  const names = [...scope.locals.map((each) => each.name), ...Object.keys(roots)];
  const near = suggest(name, names);
  const hint = near === undefined ? `names here are ${names.join(", ")}` : `did you mean ${near}?`;
  return findings.report("E401", at, `unknown name ${name}`, hint);
}

function unaryType(operator: string, operand: Expression, findings: Findings, scope: Scope): Type {
  const type = check(operand, findings, scope);
  const name = nameOf(type);
  if (name === "dyn") return operator === "-" ? "dyn" : "bool";
  const takes = operator === "-" ? ["number", "duration"] : ["bool"];
  if (takes.includes(name)) return type;
  return findings.report(
    "E203",
    operand,
    `no operator ${operator} ${typeText(type)}`,
    `${operator} takes ${takes.join(" or ")}`,
  );
}

function binaryType(node: BinaryNode, findings: Findings, scope: Scope): Type {
  const left = check(node.left, findings, scope);
  const right = check(node.right, findings, scope);
  return checkBinary(node, left, right, findings);
}

function fieldType({ of, name, at }: FieldNode, findings: Findings, scope: Scope): Type {
  const type = check(of, findings, scope);
  if (type === "dyn") return "dyn";
  if (typeof type === "string" || type.kind !== "map")
    return findings.report("E213", at, `${typeText(type)} has no fields`);
  if (type.fields === undefined) return type.item;
  return namedField(type.fields, name, at, findings);
}

function namedField(
  fields: Readonly<Record<string, Type>>,
  name: string,
  at: Span,
  findings: Findings,
): Type {
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (field !== undefined) return field;
  const near = suggest(name, Object.keys(fields));
  const hint =
    near === undefined
      ? `fields here are ${Object.keys(fields).join(", ")}`
      : `did you mean ${near}?`;
  return findings.report("E403", at, `unknown field ${name}`, hint);
}

function indexType({ of, index }: IndexNode, findings: Findings, scope: Scope): Type {
  const type = check(of, findings, scope);
  const by = nameOf(check(index, findings, scope));
  if (type === "dyn") return "dyn";
  if (typeof type === "string" || type.kind === "enum")
    return findings.report("E213", index, `${typeText(type)} has no elements`);
  const wanted = type.kind === "list" ? "number" : "string";
  if (by !== "dyn" && by !== wanted)
    return findings.report("E212", index, `the index of a ${type.kind} is a ${wanted}, not ${by}`);
  if (type.kind === "map" && type.fields !== undefined)
    return index.kind === "string" ? namedField(type.fields, index.value, index, findings) : "dyn";
  return type.item;
}
