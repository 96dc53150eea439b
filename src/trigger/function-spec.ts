import type { Closure, Frame } from "./frame.ts";
import type { Reach, Ring } from "./history.ts";
import type { Type } from "./value-types.ts";
import type { Value } from "./values.ts";

/**
 * One parameter: the names of its types with a bar between, `any`, `zone` (a string), `window` (a literal like 5m or 5 polls), `polls` (a literal
 * count), `element` (a name for it) or `expression` (evaluated for each element). A question mark: it may be left out.
 */
export type Parameter = string;

interface Described {
  readonly params: readonly Parameter[];
  /** The result for people. */
  readonly result: string;
  /** The result for the checker, from the types of the arguments. */
  readonly returns: (given: readonly Type[]) => Type;
  readonly doc: string;
}

/** A function of its arguments. Unless it takes missing, it is not called when an argument is missing, null or wrong. */
export interface PlainFunction extends Described {
  readonly kind: "plain";
  readonly takesMissing?: boolean;
  readonly call: (given: readonly Value[], frame: Frame) => Value;
}

/** A function that evaluates an expression for every element of a list, or every key of a map. */
export interface ListFunction extends Described {
  readonly kind: "list";
  readonly call: (items: readonly Value[], each: Closure, frame: Frame, slot: number) => Value;
}

/** A literal window: so many polls or so many milliseconds. */
export interface HistoryWindow {
  readonly polls?: number;
  readonly ms?: number;
}

/** A function of the samples of its first argument. */
export interface HistoryFunction extends Described {
  readonly kind: "history";
  /** What the samples must reach. */
  readonly reach: (window: HistoryWindow) => Reach;
  /** What is kept of a sample; undefined keeps nothing. */
  readonly keeps?: (value: Value) => Value | undefined;
  readonly read: (ring: Ring, window: HistoryWindow, frame: Frame, extra: Value) => Value;
}

export type TriggerFunction = PlainFunction | ListFunction | HistoryFunction;

/** How many arguments a function takes, at least and at most. */
export function arity({ params }: TriggerFunction): readonly [number, number] {
  return [params.filter((each) => !each.endsWith("?")).length, params.length];
}

/** The type names of a parameter; undefined when it takes anything. */
export function namesOf(parameter: Parameter): readonly string[] | undefined {
  const plain = parameter.replace("?", "");
  if (plain === "zone") return ["string"];
  return plain === "any" ? undefined : plain.split("|");
}

/** For the columns `result` and `returns` at once. */
export function gives(type: Type & string): Pick<Described, "result" | "returns"> {
  return { result: type, returns: () => type };
}
