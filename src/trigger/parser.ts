import { EOF, type IOrAlt } from "chevrotain";
import type { Action, Clauses, Condition, MissingPolicy, Trigger, Window } from "./ast.ts";
import { keyword, NumberWord, PolicyWord, sign, TimedClauseWord } from "./lexer.ts";
import { broken, spanOf } from "./parser-base.ts";
import { ClauseParser, nowhere } from "./parser-clauses.ts";
import type { Span } from "./problems.ts";

/** A clause as it was read. The trigger holds each name once, and any number of `except`. */
interface Clause {
  readonly name: keyof Clauses | "except";
  readonly value: Clauses[keyof Clauses];
  readonly at: Span;
}
const noClause: Clause = { name: "once", value: nowhere, at: nowhere };
const recoverable = { recoveryValueFunc: () => noClause };

/** The whole language: a condition, and clauses of English words around it. */
export class TriggerParser extends ClauseParser {
  constructor(skipValidations = true) {
    super(skipValidations);
    this.performSelfAnalysis();
  }

  trigger: () => Trigger = this.RULE(
    "trigger",
    (): Trigger => {
      this.OPTION(() => this.CONSUME(keyword("when")));
      const when = this.SUBRULE(this.condition);
      let followed: Trigger["followed"];
      this.OPTION2(() => {
        this.CONSUME(keyword("followed"));
        this.CONSUME(keyword("by"));
        const by = this.SUBRULE(this.expression);
        this.CONSUME(keyword("within"));
        followed = { by, within: this.SUBRULE(this.timed) };
      });
      const clauses: Clause[] = [];
      this.MANY(() => clauses.push(this.SUBRULE(this.clause)));
      this.CONSUME(EOF);
      return this.ACTION(() => this.assembled(when, followed, clauses));
    },
    { recoveryValueFunc: (): Trigger => ({ when: { expression: broken }, except: [] }) },
  );

  clause: () => Clause = this.RULE(
    "clause",
    () =>
      this.OR<IOrAlt<Clause>[]>([
        {
          ALT: () => {
            const word = this.CONSUME(TimedClauseWord);
            const name = word.image as "keep" | "cooldown" | "repeat";
            return { name, at: spanOf(word), value: this.SUBRULE(this.timed) };
          },
        },
        { ALT: () => this.SUBRULE(this.clearClause) },
        { ALT: () => this.SUBRULE(this.limitClause) },
        { ALT: () => this.SUBRULE(this.flagClause) },
        {
          ALT: () => {
            const at = spanOf(this.CONSUME(keyword("missing")));
            const policy = this.CONSUME(PolicyWord).image as MissingPolicy;
            return { name: "missing", at, value: { policy, ...at } };
          },
        },
        {
          ALT: () => {
            const value = this.SUBRULE(this.window);
            return { name: "between", at: value, value };
          },
        },
        {
          ALT: () => {
            const at = spanOf(this.CONSUME(keyword("except")));
            return { name: "except", at, value: this.SUBRULE2(this.window) };
          },
        },
        { ALT: () => this.SUBRULE(this.unlessClause) },
        { ALT: () => this.SUBRULE(this.thenClause) },
      ]),
    recoverable,
  );

  clearClause: () => Clause = this.RULE(
    "clearClause",
    (): Clause => {
      const at = spanOf(this.CONSUME(keyword("clear")));
      this.CONSUME(keyword("when"));
      return { name: "clear", at, value: this.SUBRULE(this.condition) };
    },
    recoverable,
  );

  limitClause: () => Clause = this.RULE(
    "limitClause",
    (): Clause => {
      const at = spanOf(this.CONSUME(keyword("at")));
      this.CONSUME(keyword("most"));
      const word = this.CONSUME(NumberWord);
      this.CONSUME(keyword("per"));
      const per = this.SUBRULE(this.timed);
      return { name: "at most", at, value: { count: Number(word.image), per, ...spanOf(word) } };
    },
    recoverable,
  );

  flagClause: () => Clause = this.RULE(
    "flagClause",
    () =>
      this.OR<IOrAlt<Clause>[]>([
        {
          ALT: () => {
            const at = spanOf(this.CONSUME(keyword("once")));
            return { name: "once", at, value: at };
          },
        },
        {
          ALT: () => {
            const at = spanOf(this.CONSUME(keyword("every")));
            this.CONSUME(keyword("poll"));
            return { name: "every poll", at, value: at };
          },
        },
      ]),
    recoverable,
  );

  unlessClause: () => Clause = this.RULE(
    "unlessClause",
    (): Clause => {
      const at = spanOf(this.CONSUME(keyword("unless")));
      this.CONSUME(keyword("firing"));
      this.CONSUME(sign["("]);
      const firing = this.SUBRULE(this.firingName);
      this.CONSUME(sign[")"]);
      return { name: "unless", at, value: { ...firing, ...at } };
    },
    recoverable,
  );

  thenClause: () => Clause = this.RULE(
    "thenClause",
    (): Clause => {
      const at = spanOf(this.CONSUME(keyword("then")));
      return { name: "then", at, value: { actions: this.SUBRULE(this.actions), ...at } };
    },
    recoverable,
  );

  actions: () => Action[] = this.RULE(
    "actions",
    () => {
      const actions: Action[] = [];
      this.AT_LEAST_ONE_SEP({
        SEP: sign[","],
        DEF: () => actions.push(this.SUBRULE(this.action)),
      });
      return actions;
    },
    { recoveryValueFunc: (): Action[] => [] },
  );

  /** Actions without a trigger around them. */
  onlyActions: () => Action[] = this.RULE(
    "onlyActions",
    () => {
      const actions = this.SUBRULE(this.actions);
      this.CONSUME(EOF);
      return actions;
    },
    { recoveryValueFunc: (): Action[] => [] },
  );

  private assembled(
    when: Condition,
    followed: Trigger["followed"],
    clauses: readonly Clause[],
  ): Trigger {
    const named: Partial<Record<keyof Clauses, Clause["value"]>> = {};
    const except: Window[] = [];
    for (const { name, value, at } of clauses) {
      if (name === "except") except.push(value as Window);
      else if (named[name] === undefined) named[name] = value;
      else this.report("E107", at, `duplicate ${name}`, "keep one of the two");
    }
    return { when, ...(followed !== undefined && { followed }), ...(named as Clauses), except };
  }
}
