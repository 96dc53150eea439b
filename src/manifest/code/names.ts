import type {
  Declaration,
  Expression,
  ModuleDeclaration,
  Node,
  Pattern,
  Program,
  Statement,
} from "acorn";
import type { CodeName } from "./contract.ts";

type TopLevel = Statement | ModuleDeclaration;

/** The names that the top level of a program declares, `export` or not. */
export function topLevelNames({ body }: Program): CodeName[] {
  return body.flatMap(namesIn);
}

function namesIn(node: TopLevel): CodeName[] {
  switch (node.type) {
    case "ExportNamedDeclaration":
      return node.declaration == null ? [] : declaredNames(node.declaration);
    case "ExportDefaultDeclaration":
      return "id" in node.declaration && node.declaration.id != null
        ? [named(node.declaration.id, isOf(node.declaration))]
        : [];
    case "ImportDeclaration":
      return node.specifiers.map(({ local }) => named(local, "unclear"));
    case "FunctionDeclaration":
    case "ClassDeclaration":
    case "VariableDeclaration":
      return declaredNames(node);
    default:
      return hoistedNames(node);
  }
}

function declaredNames(node: Declaration): CodeName[] {
  if (node.type !== "VariableDeclaration") return [named(node.id, isOf(node))];
  return node.declarations.flatMap(({ id, init }) => {
    if (id.type !== "Identifier") return patternNames(id);
    const is = isOf(init);
    // What is not a constant may become a function later.
    return [named(id, is === "function" || node.kind === "const" ? is : "unclear")];
  });
}

/** What a name stands for, as far as what it is set to tells. */
function isOf(node: Node | null | undefined): CodeName["is"] {
  return (node && kindOf[node.type]) ?? "unclear";
}

const kindOf: Readonly<Partial<Record<string, CodeName["is"]>>> = {
  FunctionDeclaration: "function",
  FunctionExpression: "function",
  ArrowFunctionExpression: "function",
  ClassDeclaration: "class",
  ClassExpression: "class",
  Literal: "data",
  TemplateLiteral: "data",
  ObjectExpression: "data",
  ArrayExpression: "data",
  BinaryExpression: "data",
  UnaryExpression: "data",
};

function named({ name, start, end }: Node & { name: string }, is: CodeName["is"]): CodeName {
  return { name, is, start, end };
}

function patternNames(pattern: Pattern | null): CodeName[] {
  switch (pattern?.type) {
    case "Identifier":
      return [named(pattern, "unclear")];
    case "ArrayPattern":
      return pattern.elements.flatMap(patternNames);
    case "ObjectPattern":
      return pattern.properties.flatMap((property) =>
        patternNames(property.type === "Property" ? property.value : property),
      );
    case "AssignmentPattern":
      return patternNames(pattern.left);
    case "RestElement":
      return patternNames(pattern.argument);
    default:
      return [];
  }
}

/** Where statements hold other statements. Functions and classes keep their names to themselves and are not entered. */
const inner = [
  "body",
  "block",
  "handler",
  "finalizer",
  "consequent",
  "alternate",
  "cases",
  "init",
  "left",
] as const;

/** Names that blocks make at the top level: var, functions, assignments. */
function hoistedNames(node: Node): CodeName[] {
  const { type, expression } = node as Node & { expression?: Expression };
  if (type === "VariableDeclaration" || type === "FunctionDeclaration")
    return declaredNames(node as Declaration).map((found) => ({ ...found, is: "unclear" }));
  if (type === "ExpressionStatement")
    return expression?.type === "AssignmentExpression" && expression.left.type === "Identifier"
      ? [named(expression.left, "unclear")]
      : [];
  if (!/(Statement|Clause|Case)$/.test(type)) return [];
  const parts = node as unknown as Readonly<Record<string, Node | readonly Node[] | null>>;
  return inner.flatMap((key) =>
    [parts[key] ?? []].flat().flatMap((child) => hoistedNames(child as Node)),
  );
}

/** What a module exports under names of its own, and whether there may be more. */
export function exportedNames(tree: Program): Exported {
  const local = new Map(topLevelNames(tree).map((found) => [found.name, found.is]));
  const names: CodeName[] = [];
  let isOpen = false;
  for (const node of tree.body) {
    if (node.type === "ExportAllDeclaration") {
      if (node.exported == null) isOpen = true;
      else names.push(exportedAs(node.exported, "data"));
    } else if (node.type === "ExportDefaultDeclaration") {
      const { start, declaration } = node;
      const end = start + "export default".length;
      names.push({ name: "default", is: isOf(declaration), start, end });
    } else if (node.type === "ExportNamedDeclaration") {
      if (node.declaration != null) names.push(...declaredNames(node.declaration));
      for (const { exported, local: from } of node.specifiers) {
        const here = node.source == null && "name" in from ? local.get(from.name) : undefined;
        names.push(exportedAs(exported, here ?? "unclear"));
      }
    }
  }
  return { names, isOpen };
}

interface Exported {
  readonly names: readonly CodeName[];
  readonly isOpen: boolean;
}

function exportedAs(
  node: Node & ({ name: string } | { value?: unknown }),
  is: CodeName["is"],
): CodeName {
  const { start, end } = node;
  return { name: "name" in node ? node.name : String(node.value), is, start, end };
}
