import type { Span } from "./problems.ts";

/** Every node stands on a stretch of the source: offsets, the end exclusive. */
export type Expression =
  | NumberLiteral
  | DurationLiteral
  | PollsLiteral
  | StringLiteral
  | ConstantLiteral
  | NameNode
  | UnaryNode
  | BinaryNode
  | LogicNode
  | ConditionalNode
  | FieldNode
  | IndexNode
  | CallNode
  | ListNode
  | MapNode;

export interface NumberLiteral extends Span {
  readonly kind: "number";
  readonly value: number;
  /** Written with a unit of size, such as 5MiB. */
  readonly isSize: boolean;
}
export interface DurationLiteral extends Span {
  readonly kind: "duration";
  readonly ms: number;
}
/** `5 polls`: a window, not a value. */
export interface PollsLiteral extends Span {
  readonly kind: "polls";
  readonly count: number;
}
export interface StringLiteral extends Span {
  readonly kind: "string";
  readonly value: string;
  /** Where each character of the value stands in the source, and last where the text ends. */
  readonly offsets: readonly number[];
}
export interface ConstantLiteral extends Span {
  readonly kind: "constant";
  readonly value: boolean | null;
}
export interface NameNode extends Span {
  readonly kind: "name";
  readonly name: string;
}
export interface UnaryNode extends Span {
  readonly kind: "unary";
  readonly operator: UnaryOperator;
  readonly operand: Expression;
}
export interface BinaryNode extends Span {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  /** Where the operator stands. */
  readonly at: Span;
}
/** A chain of `and`, or of `or`. */
export interface LogicNode extends Span {
  readonly kind: "logic";
  readonly operator: "and" | "or";
  readonly operands: readonly Expression[];
}
export interface ConditionalNode extends Span {
  readonly kind: "conditional";
  readonly test: Expression;
  readonly then: Expression;
  readonly otherwise: Expression;
}
export interface FieldNode extends Span {
  readonly kind: "field";
  readonly of: Expression;
  readonly name: string;
  /** `?.`: anything that has no fields gives missing instead of an error. */
  readonly isOptional: boolean;
  readonly at: Span;
}
export interface IndexNode extends Span {
  readonly kind: "index";
  readonly of: Expression;
  readonly index: Expression;
}
/** `f(x, y)`, also when it was written `x.f(y)`. */
export interface CallNode extends Span {
  readonly kind: "call";
  readonly name: string;
  readonly arguments: readonly Expression[];
  readonly isMethod: boolean;
  /** Where the name stands. */
  readonly at: Span;
}
export interface ListNode extends Span {
  readonly kind: "list";
  readonly items: readonly Expression[];
}
export interface MapNode extends Span {
  readonly kind: "map";
  readonly entries: readonly { readonly key: Expression; readonly value: Expression }[];
}

export type UnaryOperator = "-" | "!" | "not";
export type Relation =
  | "=="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "in"
  | "not in"
  | "contains"
  | "matches"
  | "startsWith"
  | "endsWith";
export type BinaryOperator = Relation | "??" | "+" | "-" | "*" | "/" | "%";

/** How long an expression has to be true. */
export type Lasting =
  | (Span & { readonly kind: "time"; readonly ms: number })
  | (Span & { readonly kind: "polls"; readonly count: number; readonly of: number });

export interface Condition {
  readonly expression: Expression;
  readonly lasting?: Lasting;
}

export const dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;

/** Minutes of the day, the end exclusive; a start after the end is a window over midnight. */
export interface Window extends Span {
  readonly fromMinute: number;
  readonly toMinute: number;
  /** Days of the week on which it starts, 0 is Sunday; undefined is every day. */
  readonly days?: readonly number[];
  readonly zone?: StringLiteral;
}

export const targetKinds = ["tool", "message", "task", "pipeline"] as const;
export type TargetKind = (typeof targetKinds)[number];

export type Action =
  | (Span & { readonly kind: "silent" })
  | (Span & { readonly kind: "wake"; readonly text?: StringLiteral })
  | (Span & {
      readonly kind: TargetKind;
      readonly name: string;
      readonly text?: StringLiteral;
      readonly map?: MapNode;
    });

export const missingPolicies = ["fire", "ignore", "hold"] as const;
export type MissingPolicy = (typeof missingPolicies)[number];

export interface Timed extends Span {
  readonly ms: number;
}

/** What stands behind the condition; each at most once. */
export interface Clauses {
  readonly clear?: Condition;
  readonly keep?: Timed;
  readonly cooldown?: Timed;
  readonly "at most"?: Span & { readonly count: number; readonly per: Timed };
  readonly once?: Span;
  readonly "every poll"?: Span;
  readonly repeat?: Timed;
  readonly missing?: Span & { readonly policy: MissingPolicy };
  readonly between?: Window;
  readonly unless?: Span & {
    readonly name: string /** Where the name stands. */;
    readonly at: Span;
  };
  readonly then?: Span & { readonly actions: readonly Action[] };
}

export interface Trigger extends Clauses {
  readonly when: Condition;
  readonly followed?: { readonly by: Expression; readonly within: Timed };
  readonly except: readonly Window[];
}
