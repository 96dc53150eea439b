import type { IOrAlt, IToken } from "chevrotain";
import { suggest } from "../lib/suggest.ts";
import {
  type Action,
  type Condition,
  dayNames,
  type Lasting,
  type MapNode,
  type StringLiteral,
  type TargetKind,
  type Timed,
  type Window,
} from "./ast.ts";
import {
  Duration,
  Identifier,
  keyword,
  NumberWord,
  Polls,
  sign,
  Target,
  Time,
  Word,
} from "./lexer.ts";
import { durationOf } from "./literals.ts";
import { across, broken, spanOf } from "./parser-base.ts";
import { ExpressionParser } from "./parser-expression.ts";
import type { Span } from "./problems.ts";

export const nowhere: Span = { start: 0, end: 0 };
const noTime: Timed = { ms: 0, ...nowhere };
const noWindow: Window = { fromMinute: 0, toMinute: 0, ...nowhere };
/** Another watcher, and where its name stands. */
export interface FiringName {
  readonly name: string;
  readonly at: Span;
}
const actionNames = ["wake", "silent", "tool:NAME", "message:NAME", "task:NAME", "pipeline:NAME"];

/** What clauses are made of: conditions that last, windows of the day, actions. */
export class ClauseParser extends ExpressionParser {
  condition: () => Condition = this.RULE(
    "condition",
    (): Condition => {
      const expression = this.SUBRULE(this.expression);
      let lasting: Lasting | undefined;
      this.OPTION(() => {
        const at = spanOf(this.CONSUME(keyword("for")));
        lasting = this.SUBRULE(this.lasting, { ARGS: [at] });
      });
      return { expression, ...(lasting !== undefined && { lasting }) };
    },
    { recoveryValueFunc: (): Condition => ({ expression: broken }) },
  );

  lasting: (from: Span) => Lasting = this.RULE(
    "lasting",
    (from: Span = nowhere) =>
      this.OR<IOrAlt<Lasting>[]>([
        { ALT: () => ({ kind: "time", ...this.SUBRULE(this.timed) }) },
        {
          ALT: () => {
            const word = this.CONSUME(Polls);
            const count = Number.parseInt(word.image, 10);
            return { kind: "polls", count, of: count, ...spanOf(word) };
          },
        },
        {
          ALT: () => {
            const count = Number(this.CONSUME(NumberWord).image);
            this.CONSUME(keyword("of"));
            const last = this.CONSUME2(Polls);
            const of = Number.parseInt(last.image, 10);
            return { kind: "polls", count, of, ...across(from, spanOf(last)) };
          },
        },
      ]),
    { recoveryValueFunc: (): Lasting => ({ kind: "time", ...noTime }) },
  );

  timed: () => Timed = this.RULE(
    "timed",
    (): Timed => {
      const word = this.CONSUME(Duration);
      return { ms: durationOf(word.image) ?? 0, ...spanOf(word) };
    },
    { recoveryValueFunc: () => noTime },
  );

  window: () => Window = this.RULE(
    "window",
    (): Window => {
      const start = spanOf(this.CONSUME(keyword("between")));
      const fromMinute = this.minute(this.CONSUME(Time));
      this.CONSUME(keyword("and"));
      const last = this.CONSUME2(Time);
      const toMinute = this.minute(last);
      const days: number[] = [];
      let zone: StringLiteral | undefined;
      this.OPTION(() => {
        this.CONSUME(keyword("on"));
        this.AT_LEAST_ONE_SEP({
          SEP: sign[","],
          DEF: () => {
            const some = this.SUBRULE(this.days);
            this.ACTION(() => days.push(...some));
          },
        });
      });
      this.OPTION2(() => {
        this.CONSUME(keyword("in"));
        zone = this.SUBRULE(this.text);
      });
      return {
        fromMinute,
        toMinute,
        ...(days.length > 0 && { days: [...new Set(days)].toSorted((a, b) => a - b) }),
        ...(zone !== undefined && { zone }),
        ...across(start, spanOf(last)),
      };
    },
    { recoveryValueFunc: () => noWindow },
  );

  /** One day, or all from one to another, also over the end of the week. */
  days: () => number[] = this.RULE(
    "days",
    () => {
      const first = this.day(this.CONSUME(Word));
      let last = first;
      this.OPTION(() => {
        this.CONSUME(sign[".."]);
        last = this.day(this.CONSUME2(Word));
      });
      const count = ((last - first + 7) % 7) + 1;
      return Array.from({ length: count }, (_, index) => (first + index) % 7);
    },
    { recoveryValueFunc: (): number[] => [] },
  );

  action: () => Action = this.RULE(
    "action",
    () =>
      this.OR<IOrAlt<Action>[]>([
        { ALT: () => ({ kind: "silent", ...spanOf(this.CONSUME(keyword("silent"))) }) },
        {
          ALT: () => {
            const at = spanOf(this.CONSUME(keyword("wake")));
            let text: StringLiteral | undefined;
            this.OPTION(() => {
              text = this.SUBRULE(this.text);
            });
            return { kind: "wake", ...(text !== undefined && { text }), ...at };
          },
        },
        { ALT: () => this.SUBRULE(this.target) },
        {
          ALT: () => {
            const word = this.CONSUME(Identifier);
            this.OPTION2(() => {
              this.CONSUME(sign[":"]);
              this.OPTION3(() => this.CONSUME2(Identifier));
            });
            const near = suggest(word.image, actionNames);
            this.report(
              "E106",
              spanOf(word),
              `unknown action ${word.image}`,
              `actions are ${actionNames.join(", ")}${near === undefined ? "" : `; did you mean ${near}`}`,
            );
            return { kind: "wake", ...spanOf(word) };
          },
        },
      ]),
    { recoveryValueFunc: (): Action => ({ kind: "wake", ...nowhere }) },
  );

  /** `tool:NAME`, with a text or a map for it. */
  target: () => Action = this.RULE(
    "target",
    (): Action => {
      const word = this.CONSUME(Target);
      const colon = word.image.indexOf(":");
      const kind = word.image.slice(0, colon) as TargetKind;
      let text: StringLiteral | undefined;
      let map: MapNode | undefined;
      this.OPTION(() =>
        this.OR([
          { ALT: () => (text = this.SUBRULE(this.text)) },
          { ALT: () => (map = this.SUBRULE(this.map)) },
        ]),
      );
      return {
        kind,
        name: word.image.slice(colon + 1),
        ...(text !== undefined && { text }),
        ...(map !== undefined && { map }),
        ...spanOf(word),
      };
    },
    { recoveryValueFunc: (): Action => ({ kind: "wake", ...nowhere }) },
  );

  /** The name of a watcher, which may hold hyphens, or a string. */
  firingName: () => FiringName = this.RULE(
    "firingName",
    () =>
      this.OR<IOrAlt<FiringName>[]>([
        {
          ALT: () => {
            const { value, start, end } = this.SUBRULE(this.text);
            return { name: value, at: { start, end } };
          },
        },
        {
          ALT: () => {
            const first = this.CONSUME(Word);
            let last = first;
            let name = first.image;
            this.MANY(() => {
              this.CONSUME(sign["-"]);
              this.OR2([
                { ALT: () => (last = this.CONSUME2(Word)) },
                { ALT: () => (last = this.CONSUME(NumberWord)) },
              ]);
              name += `-${last.image}`;
            });
            return { name, at: across(spanOf(first), spanOf(last)) };
          },
        },
      ]),
    { recoveryValueFunc: (): FiringName => ({ name: "", at: nowhere }) },
  );

  private minute(word: IToken): number {
    const [hours = 0, minutes = 0] = word.image.split(":").map(Number);
    if (hours > 23 || minutes > 59)
      this.report(
        "E105",
        spanOf(word),
        `${word.image} is not a time of day`,
        "write one from 00:00 to 23:59",
      );
    return hours * 60 + minutes;
  }

  private day(word: IToken): number {
    const day = dayNames.indexOf(word.image as (typeof dayNames)[number]);
    if (day === -1)
      this.report(
        "E110",
        spanOf(word),
        `${word.image} is not a day of the week`,
        `days are ${dayNames.join(", ")}`,
      );
    return Math.max(day, 0);
  }
}
