import type { Expression } from "./ast.ts";

/** The expressions directly inside an expression. */
export function childrenOf(node: Expression): readonly Expression[] {
  switch (node.kind) {
    case "unary":
      return [node.operand];
    case "binary":
      return [node.left, node.right];
    case "logic":
      return node.operands;
    case "conditional":
      return [node.test, node.then, node.otherwise];
    case "field":
      return [node.of];
    case "index":
      return [node.of, node.index];
    case "call":
      return node.arguments;
    case "list":
      return node.items;
    case "map":
      return node.entries.flatMap(({ key, value }) => [key, value]);
    default:
      return [];
  }
}

/**
 * How many nodes an expression has, and how deep it is nested. A chain is not nesting: what stands on the left of an operator,
 * a dot or an index, and behind the last colon of `?:`, is as deep as the whole.
 */
export function measured(node: Expression): { readonly nodes: number; readonly depth: number } {
  let nodes = 1;
  let depth = 0;
  const children = childrenOf(node);
  for (const [index, child] of children.entries()) {
    const size = measured(child);
    const isChain =
      (index === 0 &&
        (node.kind === "binary" ||
          node.kind === "field" ||
          node.kind === "index" ||
          node.kind === "call")) ||
      (index === 2 && node.kind === "conditional");
    nodes += size.nodes;
    depth = Math.max(depth, size.depth + (isChain ? 0 : 1));
  }
  return { nodes, depth };
}
