import { type Closure, type Frame, spend, tooManySteps } from "./frame.ts";
import { gives, type ListFunction } from "./function-spec.ts";
import { listOf, type Type } from "./value-types.ts";
import { Fault, MISSING, typeNameOf, type Value } from "./values.ts";

const params = ["list|map", "element", "expression"];

/** The answers of the expression for each element: how many are true, whether one is wrong, whether one is missing. */
interface Tally {
  yes: number;
  no: number;
  fault?: Fault;
  isMissing: boolean;
}

/** Asks for every element until `isDone`; a true or false that settles the matter wins over an error. */
function tally(
  items: readonly Value[],
  each: Closure,
  frame: Frame,
  slot: number,
  isDone: (sofar: Tally) => boolean,
): Tally {
  const sofar: Tally = { yes: 0, no: 0, isMissing: false };
  for (const item of items) {
    if (!spend(frame, 1)) return { ...sofar, yes: 0, no: 0, fault: tooManySteps };
    frame.locals[slot] = item;
    const answer = each(frame);
    if (answer === true) sofar.yes += 1;
    else if (answer === false) sofar.no += 1;
    else if (answer instanceof Fault) sofar.fault ??= answer;
    else if (answer === MISSING || answer === null) sofar.isMissing = true;
    else sofar.fault ??= new Fault(`expected a bool for the element, not ${typeNameOf(answer)}`);
    if (isDone(sofar)) break;
  }
  return sofar;
}

/** The result, unless it hangs on an answer that is not there. */
function settled({ fault, isMissing }: Tally, value: Value): Value {
  return fault ?? (isMissing ? MISSING : value);
}

/** Methods of lists; the dot is part of their name, since `exists` of one argument is another function. */
export const listFunctions: Readonly<Record<string, ListFunction>> = {
  ".all": {
    kind: "list",
    params,
    ...gives("bool"),
    doc: "whether the expression is true for every element",
    call: (items, each, frame, slot) => {
      const sofar = tally(items, each, frame, slot, ({ no }) => no > 0);
      return sofar.no > 0 ? false : settled(sofar, true);
    },
  },
  ".exists": {
    kind: "list",
    params,
    ...gives("bool"),
    doc: "whether the expression is true for an element",
    call: (items, each, frame, slot) => {
      const sofar = tally(items, each, frame, slot, ({ yes }) => yes > 0);
      return sofar.yes > 0 ? true : settled(sofar, false);
    },
  },
  ".exists_one": {
    kind: "list",
    params,
    ...gives("bool"),
    doc: "whether the expression is true for exactly one element",
    call: (items, each, frame, slot) => {
      const sofar = tally(items, each, frame, slot, () => false);
      return settled(sofar, sofar.yes === 1);
    },
  },
  ".filter": {
    kind: "list",
    params,
    result: "list",
    returns: ([first]) =>
      typeof first === "object" && first.kind === "list" ? first : listOf("dyn"),
    doc: "the elements for which the expression is true",
    call: (items, each, frame, slot) => {
      const kept: Value[] = [];
      for (const item of items) {
        if (!spend(frame, 1)) return tooManySteps;
        frame.locals[slot] = item;
        const answer = each(frame);
        if (answer instanceof Fault) return answer;
        if (answer === true) kept.push(item);
      }
      return kept;
    },
  },
  ".map": {
    kind: "list",
    params,
    result: "list",
    returns: (given): Type => listOf(given[2] ?? "dyn"),
    doc: "the expression for every element; null where it is missing",
    call: (items, each, frame, slot) => {
      const made: Value[] = [];
      for (const item of items) {
        if (!spend(frame, 1)) return tooManySteps;
        frame.locals[slot] = item;
        const value = each(frame);
        if (value instanceof Fault) return value;
        made.push(value === MISSING ? null : value);
      }
      return made;
    },
  },
};
