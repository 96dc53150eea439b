import { EmbeddedActionsParser, type IOrAlt, type IToken } from "chevrotain";
import type { Expression, StringLiteral } from "./ast.ts";
import { Duration, keyword, NumberWord, Polls, Size, Text, tokenTypes } from "./lexer.ts";
import { durationOf, sizeOf, stringLiteral } from "./literals.ts";
import { messages } from "./parser-messages.ts";
import { type Problem, type ProblemCode, problem, type Span } from "./problems.ts";

/** What a rule gives that the parser left half way; its tree is thrown away. */
export const broken: Expression = { kind: "constant", value: null, start: 0, end: 0 };
export const recoverable = { recoveryValueFunc: () => broken };

export function spanOf({ startOffset, image }: IToken): Span {
  return { start: startOffset, end: startOffset + image.length };
}

/** From where the first begins to where the last ends. */
export function across(first: Span, last: Span): Span {
  return { start: first.start, end: last.end };
}

/** The words that are values by themselves. */
export class LiteralParser extends EmbeddedActionsParser {
  /** What the actions of the grammar find wrong; the parser's own errors stand in `errors`. */
  problems: Problem[] = [];

  constructor(skipValidations: boolean) {
    super(tokenTypes, {
      recoveryEnabled: true,
      maxLookahead: 3,
      nodeLocationTracking: "none",
      skipValidations,
      errorMessageProvider: messages,
    });
  }

  report(code: ProblemCode, at: Span, message: string, hint?: string): void {
    this.ACTION(() => this.problems.push(problem(code, at, message, hint)));
  }

  text: () => StringLiteral = this.RULE(
    "text",
    () => {
      const { image, startOffset } = this.CONSUME(Text);
      return stringLiteral(image, startOffset);
    },
    { recoveryValueFunc: () => stringLiteral('""', 0) },
  );

  literal: () => Expression = this.RULE(
    "literal",
    () =>
      this.OR<IOrAlt<Expression>[]>([
        { ALT: () => this.amount(this.CONSUME(NumberWord), false) },
        { ALT: () => this.amount(this.CONSUME(Size), true) },
        { ALT: () => this.duration(this.CONSUME(Duration)) },
        {
          ALT: () => {
            const word = this.CONSUME(Polls);
            return { kind: "polls", count: Number.parseInt(word.image, 10), ...spanOf(word) };
          },
        },
        { ALT: () => this.SUBRULE(this.text) },
        { ALT: () => constant(this.CONSUME(keyword("true")), true) },
        { ALT: () => constant(this.CONSUME(keyword("false")), false) },
        { ALT: () => constant(this.CONSUME(keyword("null")), null) },
      ]),
    recoverable,
  );

  private amount(word: IToken, isSize: boolean): Expression {
    const value = isSize ? sizeOf(word.image) : Number(word.image);
    return { kind: "number", value, isSize, ...spanOf(word) };
  }

  private duration(word: IToken): Expression {
    return { kind: "duration", ms: durationOf(word.image) ?? 0, ...spanOf(word) };
  }
}

function constant(word: IToken, value: boolean | null): Expression {
  return { kind: "constant", value, ...spanOf(word) };
}
