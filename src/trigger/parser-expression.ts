import { EOF, type IOrAlt, type IToken } from "chevrotain";
import type { BinaryOperator, Expression, Relation, UnaryOperator } from "./ast.ts";
import {
  AndWord,
  keyword,
  OrWord,
  ProductWord,
  RelationWord,
  SignWord,
  SumWord,
  sign,
} from "./lexer.ts";
import { across, broken, recoverable, spanOf } from "./parser-base.ts";
import { PrimaryParser } from "./parser-primary.ts";
import type { Span } from "./problems.ts";

/** `?:`, or, and, not, relations, `??`, sums, products, signs, postfix: one rule for each level of precedence. */
export class ExpressionParser extends PrimaryParser {
  onlyExpression = this.RULE(
    "onlyExpression",
    () => {
      const value = this.SUBRULE(this.expression);
      this.CONSUME(EOF);
      return value;
    },
    recoverable,
  );

  override expression: () => Expression = this.RULE(
    "expression",
    (): Expression => {
      const parts = [this.SUBRULE(this.either)];
      this.MANY(() => {
        this.CONSUME(sign["?"]);
        parts.push(this.SUBRULE2(this.either));
        this.CONSUME(sign[":"]);
        parts.push(this.SUBRULE3(this.either));
      });
      let value = parts.at(-1) ?? broken;
      for (let at = parts.length - 3; at >= 0; at -= 2) {
        const test = parts[at] ?? broken;
        const then = parts[at + 1] ?? broken;
        value = { kind: "conditional", test, then, otherwise: value, ...across(test, value) };
      }
      return value;
    },
    recoverable,
  );

  override either: () => Expression = this.RULE(
    "either",
    () => {
      const operands = [this.SUBRULE(this.both)];
      this.MANY(() => {
        this.CONSUME(OrWord);
        operands.push(this.SUBRULE2(this.both));
      });
      return chain("or", operands);
    },
    recoverable,
  );

  both: () => Expression = this.RULE(
    "both",
    () => {
      const operands = [this.SUBRULE(this.negated)];
      this.MANY(() => {
        this.CONSUME(AndWord);
        operands.push(this.SUBRULE2(this.negated));
      });
      return chain("and", operands);
    },
    recoverable,
  );

  negated: () => Expression = this.RULE(
    "negated",
    () => {
      const words: IToken[] = [];
      this.MANY(() => words.push(this.CONSUME(keyword("not"))));
      return prefixed(words, this.SUBRULE(this.relation));
    },
    recoverable,
  );

  relation: () => Expression = this.RULE(
    "relation",
    () => {
      let left = this.SUBRULE(this.coalesced);
      let count = 0;
      this.MANY(() => {
        const { image, at } = this.OR<IOrAlt<{ image: string; at: Span }>[]>([
          {
            ALT: () => {
              const word = this.CONSUME(RelationWord);
              return { image: word.image, at: spanOf(word) };
            },
          },
          {
            ALT: () => {
              const first = this.CONSUME(keyword("not"));
              const second = this.CONSUME(keyword("in"));
              return { image: "not in", at: across(spanOf(first), spanOf(second)) };
            },
          },
        ]);
        count += 1;
        if (count === 2)
          this.report("E103", at, "comparisons do not chain", "join two of them with and");
        if (image === "=") this.report("E101", at, "= does not compare", "use ==");
        const operator = image as Relation;
        left = binary(operator, at, left, this.SUBRULE2(this.coalesced));
      });
      return left;
    },
    recoverable,
  );

  coalesced: () => Expression = this.RULE(
    "coalesced",
    () => {
      let left = this.SUBRULE(this.sum);
      this.MANY(() => {
        const word = this.CONSUME(sign["??"]);
        left = binary("??", spanOf(word), left, this.SUBRULE2(this.sum));
      });
      return left;
    },
    recoverable,
  );

  sum: () => Expression = this.RULE(
    "sum",
    () => {
      let left = this.SUBRULE(this.product);
      this.MANY(() => {
        const word = this.CONSUME(SumWord);
        left = binary(
          word.image as BinaryOperator,
          spanOf(word),
          left,
          this.SUBRULE2(this.product),
        );
      });
      return left;
    },
    recoverable,
  );

  product: () => Expression = this.RULE(
    "product",
    () => {
      let left = this.SUBRULE(this.signed);
      this.MANY(() => {
        const word = this.CONSUME(ProductWord);
        left = binary(word.image as BinaryOperator, spanOf(word), left, this.SUBRULE2(this.signed));
      });
      return left;
    },
    recoverable,
  );

  signed: () => Expression = this.RULE(
    "signed",
    () => {
      const signs: IToken[] = [];
      this.MANY(() => signs.push(this.CONSUME(SignWord)));
      return prefixed(signs, this.SUBRULE(this.postfix));
    },
    recoverable,
  );
}

function chain(operator: "and" | "or", operands: Expression[]): Expression {
  const [first = broken] = operands;
  if (operands.length === 1) return first;
  return { kind: "logic", operator, operands, ...across(first, operands.at(-1) ?? first) };
}

function binary(
  operator: BinaryOperator,
  at: Span,
  left: Expression,
  right: Expression,
): Expression {
  return { kind: "binary", operator, left, right, at, ...across(left, right) };
}

/** The signs before a value, the last nearest to it. */
function prefixed(signs: readonly IToken[], operand: Expression): Expression {
  return signs.reduceRight<Expression>(
    (value, word) => ({
      kind: "unary",
      operator: word.image as UnaryOperator,
      operand: value,
      start: word.startOffset,
      end: value.end,
    }),
    operand,
  );
}
