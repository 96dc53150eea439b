import type { IOrAlt } from "chevrotain";
import type { Expression, MapNode } from "./ast.ts";
import { Identifier, OptionalDot, QuotedName, sign, Word } from "./lexer.ts";
import { across, broken, LiteralParser, recoverable, spanOf } from "./parser-base.ts";

/** Values with what stands behind them: fields, indexes, calls. */
export class PrimaryParser extends LiteralParser {
  /** The rules above this one, which a later class has. */
  declare expression: () => Expression;
  declare either: () => Expression;

  postfix: () => Expression = this.RULE(
    "postfix",
    () => {
      let value = this.SUBRULE(this.primary);
      this.MANY(() => {
        const of = value;
        value = this.OR<IOrAlt<Expression>[]>([
          { ALT: () => this.SUBRULE(this.member, { ARGS: [of] }) },
          { ALT: () => this.SUBRULE(this.element, { ARGS: [of] }) },
        ]);
      });
      return value;
    },
    recoverable,
  );

  /** `.name`, `?.name`, or `.name(...)`, which is a call with what stands before the dot as its first argument. */
  member: (of: Expression) => Expression = this.RULE(
    "member",
    (of: Expression = broken): Expression => {
      const dot = this.OR([
        { ALT: () => this.CONSUME(sign["."]) },
        { ALT: () => this.CONSUME(OptionalDot) },
      ]);
      const name = this.OR2([
        { ALT: () => this.CONSUME(Word) },
        { ALT: () => this.CONSUME(QuotedName) },
      ]);
      let call: { items: Expression[]; end: number } | undefined;
      this.OPTION(() => {
        call = this.SUBRULE(this.arguments);
      });
      return this.ACTION((): Expression => {
        const at = spanOf(name);
        if (call === undefined) {
          const isOptional = dot.image === "?.";
          return {
            kind: "field",
            of,
            name: name.image.replaceAll("`", ""),
            isOptional,
            at,
            ...across(of, at),
          };
        }
        const { items, end } = call;
        return {
          kind: "call",
          name: name.image,
          arguments: [of, ...items],
          isMethod: true,
          at,
          start: of.start,
          end,
        };
      });
    },
    recoverable,
  );

  element: (of: Expression) => Expression = this.RULE(
    "element",
    (of: Expression = broken): Expression => {
      this.CONSUME(sign["["]);
      const index = this.SUBRULE(this.expression);
      const close = this.CONSUME(sign["]"]);
      return { kind: "index", of, index, start: of.start, end: spanOf(close).end };
    },
    recoverable,
  );

  arguments: () => { items: Expression[]; end: number } = this.RULE(
    "arguments",
    () => {
      const items: Expression[] = [];
      this.CONSUME(sign["("]);
      this.MANY_SEP({
        SEP: sign[","],
        DEF: () => items.push(this.SUBRULE(this.expression)),
      });
      return { items, end: spanOf(this.CONSUME(sign[")"])).end };
    },
    { recoveryValueFunc: () => ({ items: [], end: 0 }) },
  );

  primary: () => Expression = this.RULE(
    "primary",
    () =>
      this.OR<IOrAlt<Expression>[]>([
        { ALT: () => this.SUBRULE(this.literal) },
        { ALT: () => this.SUBRULE(this.named) },
        {
          ALT: () => {
            this.CONSUME(sign["("]);
            const value = this.SUBRULE(this.expression);
            this.CONSUME(sign[")"]);
            return value;
          },
        },
        { ALT: () => this.SUBRULE(this.list) },
        { ALT: () => this.SUBRULE(this.map) },
      ]),
    recoverable,
  );

  named: () => Expression = this.RULE(
    "named",
    (): Expression => {
      const word = this.CONSUME(Identifier);
      const at = spanOf(word);
      let value: Expression = { kind: "name", name: word.image, ...at };
      this.OPTION(() => {
        const { items, end } = this.SUBRULE(this.arguments);
        const start = at.start;
        value = {
          kind: "call",
          name: word.image,
          arguments: items,
          isMethod: false,
          at,
          start,
          end,
        };
      });
      return value;
    },
    recoverable,
  );

  list: () => Expression = this.RULE(
    "list",
    (): Expression => {
      const items: Expression[] = [];
      const open = this.CONSUME(sign["["]);
      this.MANY_SEP({
        SEP: sign[","],
        DEF: () => items.push(this.SUBRULE(this.expression)),
      });
      const close = this.CONSUME(sign["]"]);
      return { kind: "list", items, ...across(spanOf(open), spanOf(close)) };
    },
    recoverable,
  );

  map: () => MapNode = this.RULE(
    "map",
    (): MapNode => {
      const entries: { key: Expression; value: Expression }[] = [];
      const open = this.CONSUME(sign["{"]);
      this.MANY_SEP({
        SEP: sign[","],
        DEF: () => {
          const key = this.SUBRULE(this.either);
          this.CONSUME(sign[":"]);
          entries.push({ key, value: this.SUBRULE(this.expression) });
        },
      });
      const close = this.CONSUME(sign["}"]);
      return { kind: "map", entries, ...across(spanOf(open), spanOf(close)) };
    },
    { recoveryValueFunc: (): MapNode => ({ kind: "map", entries: [], start: 0, end: 0 }) },
  );
}
