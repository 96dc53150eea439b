import { type AnyNode, parseExpressionAt } from "acorn";

/** More sources than this are not remembered; each is looked at again. */
const REMEMBERED_MAX = 500;
const remembered = new Map<string, readonly string[]>();

/**
 * A variable that one of the functions uses and that is neither its own nor a global: it belonged to the function around it, and
 * is gone when the function is made again from its source.
 */
export function capturedName(
  sources: readonly string[],
  globals: ReadonlySet<string>,
): string | undefined {
  for (const source of sources) {
    const captured = freeNames(source).find((name) => !globals.has(name));
    if (captured !== undefined) return captured;
  }
  return undefined;
}

/** The names that a function uses and does not declare anywhere in itself. */
function freeNames(source: string): readonly string[] {
  const known = remembered.get(source);
  if (known !== undefined) return known;
  const names = findFreeNames(source);
  if (remembered.size >= REMEMBERED_MAX) remembered.clear();
  remembered.set(source, names);
  return names;
}

function findFreeNames(source: string): string[] {
  const tree = parseFunction(source);
  if (tree === undefined) return [];
  const used = new Set<string>();
  const declared = new Set<string>(["arguments", "undefined"]);
  visit(tree, used, declared);
  return [...used].filter((name) => !declared.has(name));
}

/** A method is a function only inside an object. */
function parseFunction(source: string): AnyNode | undefined {
  for (const text of [`(${source})`, `({${source}})`]) {
    try {
      return parseExpressionAt(text, 0, {
        ecmaVersion: "latest",
        allowAwaitOutsideFunction: true,
        allowSuperOutsideMethod: true,
      });
    } catch {
      // The other form is tried, then the function counts as one without captured names.
    }
  }
  return undefined;
}

/** Scopes are not told apart: a name that is declared anywhere in the function counts as its own. That errs on the side of keeping. */
function visit(node: AnyNode, used: Set<string>, declared: Set<string>): void {
  switch (node.type) {
    case "Identifier":
      used.add(node.name);
      return;
    case "MemberExpression":
      visit(node.object, used, declared);
      if (node.computed) visit(node.property, used, declared);
      return;
    case "Property":
    case "MethodDefinition":
    case "PropertyDefinition":
      if (node.computed) visit(node.key, used, declared);
      if (node.value) visit(node.value, used, declared);
      return;
    case "UnaryExpression":
      // typeof asks whether there is such a name.
      if (node.operator !== "typeof" || node.argument.type !== "Identifier")
        visit(node.argument, used, declared);
      return;
    case "LabeledStatement":
      visit(node.body, used, declared);
      return;
    case "BreakStatement":
    case "ContinueStatement":
      return;
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression":
      if (node.id) declared.add(node.id.name);
      for (const parameter of node.params) declare(parameter, used, declared);
      visit(node.body, used, declared);
      return;
    case "ClassDeclaration":
    case "ClassExpression":
      if (node.id) declared.add(node.id.name);
      if (node.superClass) visit(node.superClass, used, declared);
      visit(node.body, used, declared);
      return;
    case "VariableDeclarator":
      declare(node.id, used, declared);
      if (node.init) visit(node.init, used, declared);
      return;
    case "CatchClause":
      if (node.param) declare(node.param, used, declared);
      visit(node.body, used, declared);
      return;
    default:
      for (const child of children(node)) visit(child, used, declared);
  }
}

/** The names of a pattern are declared; its defaults and computed keys are used. */
function declare(pattern: AnyNode, used: Set<string>, declared: Set<string>): void {
  switch (pattern.type) {
    case "Identifier":
      declared.add(pattern.name);
      return;
    case "ObjectPattern":
      for (const property of pattern.properties) {
        if (property.type === "Property" && property.computed) visit(property.key, used, declared);
        declare(property.type === "Property" ? property.value : property.argument, used, declared);
      }
      return;
    case "ArrayPattern":
      for (const element of pattern.elements) if (element) declare(element, used, declared);
      return;
    case "AssignmentPattern":
      declare(pattern.left, used, declared);
      visit(pattern.right, used, declared);
      return;
    case "RestElement":
      declare(pattern.argument, used, declared);
      return;
    default:
      visit(pattern, used, declared);
  }
}

function children(node: AnyNode): AnyNode[] {
  const found: AnyNode[] = [];
  for (const value of Object.values(node) as unknown[]) {
    for (const item of Array.isArray(value) ? (value as unknown[]) : [value])
      if (isNode(item)) found.push(item);
  }
  return found;
}

function isNode(value: unknown): value is AnyNode {
  return (
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    typeof value.type === "string" &&
    "start" in value
  );
}
