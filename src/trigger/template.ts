import type { Expression, StringLiteral } from "./ast.ts";
import { parseExpressionText } from "./parse.ts";
import { type Problem, problem, type Span } from "./problems.ts";

/** A text with holes: `status is {{status}}` is two parts. */
export interface Template {
  readonly parts: readonly (string | Expression)[];
}

/** The template of a text. `offsets` says where each character stands in the source, and last where the text ends. */
export function templateOf(
  text: string,
  offsets: readonly number[],
): { template: Template; problems: Problem[] } {
  const parts: (string | Expression)[] = [];
  const problems: Problem[] = [];
  let from = 0;
  for (let open = text.indexOf("{{"); open !== -1; open = text.indexOf("{{", from)) {
    if (open > from) parts.push(text.slice(from, open));
    const close = endOfHole(text, open + 2);
    if (close === -1) {
      const at = { start: offsets[open] ?? 0, end: offsets[open + 2] ?? 0 };
      problems.push(
        problem("E109", at, "{{ without }}", "close it; the text between is an expression"),
      );
      return { template: { parts }, problems };
    }
    const parsed = parseExpressionText(text.slice(open + 2, close));
    const place = (offset: number) => offsets[open + 2 + offset] ?? offsets.at(-1) ?? 0;
    if (parsed.tree !== undefined) parts.push(moved(parsed.tree, place));
    else for (const each of parsed.problems) problems.push({ ...each, ...movedSpan(each, place) });
    from = close + 2;
  }
  if (from < text.length) parts.push(text.slice(from));
  return { template: { parts }, problems };
}

export function templateOfLiteral({ value, offsets }: StringLiteral): {
  template: Template;
  problems: Problem[];
} {
  return templateOf(value, offsets);
}

/** Where the `}}` of a hole stands; one inside a string of its expression does not end it. */
function endOfHole(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const letter = text[at] ?? "";
    if (letter === '"' || letter === "'") {
      for (at += 1; at < text.length && text[at] !== letter; at += 1)
        if (text[at] === "\\") at += 1;
    } else if (letter === "{") depth += 1;
    else if (letter === "}" && depth > 0) depth -= 1;
    else if (letter === "}" && text[at + 1] === "}") return at;
  }
  return -1;
}

function movedSpan({ start, end }: Span, place: (offset: number) => number): Span {
  return { start: place(start), end: place(end) };
}

/** The tree with every span, and every offset of a string, at its place in the whole source. */
function moved<T>(node: T, place: (offset: number) => number): T {
  if (Array.isArray(node)) return node.map((each) => moved(each, place)) as T;
  if (typeof node !== "object" || node === null) return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => {
      if (key === "start" || key === "end") return [key, place(Number(value))];
      if (key === "offsets") return [key, (value as readonly number[]).map(place)];
      return [key, moved(value, place)];
    }),
  ) as T;
}
