import { type IToken, tokenMatcher } from "chevrotain";
import type { Action, Expression, Trigger } from "./ast.ts";
import { DEPTH_MAX, SOURCE_BYTES_MAX } from "./bounds.ts";
import { BadNumber, OpenText, tokensOf } from "./lexer.ts";
import { durationUnits, sizeUnits } from "./literals.ts";
import { TriggerParser } from "./parser.ts";
import { spanOf } from "./parser-base.ts";
import { problemOf } from "./parser-messages.ts";
import { PROBLEMS_MAX, type Problem, problem } from "./problems.ts";

/** A tree, or what is wrong with the text; a tree comes only of a text without problems. */
export type Parsed<T> =
  | { readonly tree: T; readonly problems: readonly [] }
  | { readonly tree?: never; readonly problems: readonly Problem[] };

const parser = new TriggerParser();

export function parseTriggerText(source: string): Parsed<Trigger> {
  return parse(source, () => parser.trigger());
}

export function parseExpressionText(source: string): Parsed<Expression> {
  return parse(source, () => parser.onlyExpression());
}

/** Actions alone, as they stand behind `then`. */
export function parseActionsText(source: string): Parsed<readonly Action[]> {
  return parse(source, () => parser.onlyActions());
}

function parse<T>(source: string, rule: () => T): Parsed<T> {
  const bytes = source.length > SOURCE_BYTES_MAX ? source.length : Buffer.byteLength(source);
  if (bytes > SOURCE_BYTES_MAX) {
    const at = { start: 0, end: source.length };
    const hint = `the bound is ${SOURCE_BYTES_MAX} bytes; move logic into a tool`;
    return { problems: [problem("E304", at, `the source has ${bytes} bytes`, hint)] };
  }
  const { tokens, errors } = tokensOf(source);
  const lexical = [
    ...errors.map(({ offset, length }) => unknownText(source, offset, length)),
    ...tokens.flatMap(wrongToken),
    ...tooDeep(tokens),
  ];
  if (lexical.length > 0) return { problems: told(lexical, source) };
  parser.problems = [];
  parser.input = tokens;
  const tree = rule();
  const last = tokens.at(-1);
  const end = last === undefined ? 0 : spanOf(last).end;
  // The end comes too early after most mistakes: it is told only when it is the mistake.
  const syntax = parser.errors
    .map((error) => problemOf(error, end))
    .filter(({ start }, index) => index === 0 || start < end);
  const problems = [...syntax, ...parser.problems];
  return problems.length === 0 ? { tree, problems: [] } : { problems: told(problems, source) };
}

/** In the order of the text, one for each place, all of them inside the text. */
function told(problems: readonly Problem[], source: string): readonly Problem[] {
  const inside = problems.map((each) => {
    const start = Math.max(0, Math.min(each.start || 0, source.length));
    return { ...each, start, end: Math.max(start, Math.min(each.end || 0, source.length)) };
  });
  return inside
    .toSorted((a, b) => a.start - b.start)
    .filter(({ start }, index, all) => all[index - 1]?.start !== start)
    .slice(0, PROBLEMS_MAX);
}

function unknownText(source: string, offset: number, length: number): Problem {
  const text = source.slice(offset, offset + Math.min(length, 20));
  const hints: Record<string, string> = {
    "&": "write and",
    "|": "write or",
    ";": "clauses stand side by side",
  };
  return problem(
    "E100",
    { start: offset, end: offset + length },
    `unexpected ${JSON.stringify(text)}`,
    hints[text],
  );
}

function wrongToken(token: IToken): Problem[] {
  if (tokenMatcher(token, OpenText))
    return [problem("E100", spanOf(token), "unterminated string", "close it on the same line")];
  if (tokenMatcher(token, BadNumber)) {
    const units = [...Object.keys(durationUnits), ...Object.keys(sizeUnits)].join(", ");
    return [
      problem(
        "E108",
        spanOf(token),
        `${token.image.slice(0, 20)} has an unknown unit`,
        `units are ${units}`,
      ),
    ];
  }
  return [];
}

/** Brackets deeper than the bound; found before the parser, which goes down with them. */
function tooDeep(tokens: readonly IToken[]): Problem[] {
  let depth = 0;
  for (const token of tokens) {
    if (/^[([{]$/.test(token.image)) depth += 1;
    else if (/^[)\]}]$/.test(token.image)) depth -= 1;
    if (depth > DEPTH_MAX)
      return [
        problem(
          "E306",
          spanOf(token),
          `nested more than ${DEPTH_MAX} deep`,
          "move a part into a tool",
        ),
      ];
  }
  return [];
}
