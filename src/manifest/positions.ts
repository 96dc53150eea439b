import type { Pair, ParsedNode, Scalar } from "yaml";
import type { JsonPath } from "../lib/json.ts";
import type { Spot } from "./fault.ts";
import { withItemTrees } from "./list.ts";
import { parseText, type TextForm } from "./parse-text.ts";
import { offsetInScalar } from "./scalar-offset.ts";
import { yaml } from "./yaml.ts";

/** Start and end of something in a text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Finds the spots of one text; parses it when it is first asked for a path. */
export function spotFinder(text: string, form: TextForm = "yaml"): (spot: Spot) => Span {
  let trees: (ParsedNode | null)[] | undefined;
  return (spot) => {
    if ("start" in spot) return spot;
    trees ??= [...parseText(text, form)]
      .filter((document) => document !== undefined)
      .flatMap(({ tree }) => withItemTrees(tree));
    const tree = trees[spot.document];
    if (tree === undefined || tree === null) return { start: 0, end: 0 };
    const { key, value, isAround = false } = locate(tree, spot.path);
    if (spot.inside !== undefined && yaml().isScalar(value) && !isAround)
      return spanInside(text, value as Scalar.Parsed, spot.inside);
    const span = spanOf(key, value, isAround ? "key" : spot.part);
    return spot.words === undefined ? span : within(text, span, spot.words);
  };
}

/** The key and value of a path. What does not exist is looked for at the nearest thing around it that does. */
function locate(tree: ParsedNode, path: JsonPath): Child {
  let found: Child = { key: undefined, value: tree };
  for (const step of path) {
    const child = childOf(found.value, step);
    if (child === undefined) return { ...found, isAround: true };
    found = child;
  }
  return found;
}

interface Child {
  readonly key: ParsedNode | undefined;
  readonly value: ParsedNode | null;
  /** It is not what was looked for, but what stands around that. */
  readonly isAround?: boolean;
}

function childOf(node: ParsedNode | null, step: string | number): Child | undefined {
  if (yaml().isSeq(node)) {
    const value = node.items[Number(step)] as ParsedNode | undefined;
    return value && { key: undefined, value };
  }
  if (!yaml().isMap(node)) return undefined;
  const pairs = node.items as Pair<ParsedNode, ParsedNode | null>[];
  return pairs.find(({ key }) => yaml().isScalar(key) && key.value === step);
}

/** Maps, lists and values that are not written out are pointed at by their key, or by their first key or item. */
function spanOf(key: ParsedNode | undefined, node: ParsedNode | null, part: "key" | "value"): Span {
  if (
    key !== undefined &&
    (part === "key" ||
      node === null ||
      isEmptyScalar(node) ||
      yaml().isMap(node) ||
      yaml().isSeq(node))
  )
    return spanOfNode(key);
  return node === null ? { start: 0, end: 0 } : spanOfNode(firstOf(node));
}

function isEmptyScalar(node: ParsedNode): boolean {
  return yaml().isScalar(node) && node.range[0] === node.range[1];
}

function firstOf(node: ParsedNode): ParsedNode {
  if (yaml().isMap(node)) return (node.items[0]?.key as ParsedNode | undefined) ?? node;
  return node;
}

function spanOfNode({ range }: ParsedNode): Span {
  return { start: range[0], end: range[1] };
}

function within(text: string, span: Span, words: string): Span {
  const start = text.slice(span.start, span.end).indexOf(words);
  return start === -1
    ? span
    : { start: span.start + start, end: span.start + start + words.length };
}

function spanInside(
  text: string,
  scalar: Scalar.Parsed,
  { start, end }: { readonly start: number; readonly end: number },
): Span {
  const from = offsetInScalar(text, scalar, start);
  return { start: from, end: Math.max(from + 1, offsetInScalar(text, scalar, end)) };
}
