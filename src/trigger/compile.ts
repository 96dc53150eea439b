import type { BinaryNode, CallNode, Expression } from "./ast.ts";
import { windowOf } from "./check-calls.ts";
import {
  compileConditional,
  compileField,
  compileIndex,
  compileList,
  compileLogic,
  compileMap,
  compileUnary,
  faulty,
} from "./closures.ts";
import { type Closure, type Frame, spend, tooManySteps } from "./frame.ts";
import type {
  HistoryFunction,
  HistoryWindow,
  ListFunction,
  PlainFunction,
} from "./function-spec.ts";
import { namesOf } from "./function-spec.ts";
import { functionOf } from "./functions.ts";
import { Ring } from "./history.ts";
import { measured } from "./measure.ts";
import { matching, operations } from "./operators.ts";
import {
  Duration,
  Fault,
  isList,
  isMap,
  lacking,
  MISSING,
  typeNameOf,
  type Value,
} from "./values.ts";

/** One history call: what is sampled at every poll, and where the samples go. */
export interface Site {
  readonly sample: Closure;
  readonly ring: number;
  readonly keeps?: (value: Value) => Value | undefined;
}

/** What compiling gathers: the roots that are read, and the history calls. */
export class Program {
  readonly slots = new Map<string, number>();
  readonly sites: Site[] = [];
  readonly rings: Ring[] = [];
  /** Which ring a history node has, so that a second look at the tree finds it. */
  readonly ringOf = new Map<Expression, number>();

  slot(name: string): number {
    const known = this.slots.get(name);
    if (known !== undefined) return known;
    this.slots.set(name, this.slots.size);
    return this.slots.size - 1;
  }
}

/** Compiles a tree to closures. It also takes trees that the checker refused: what has no meaning gives a fault. */
export function compile(
  node: Expression,
  program: Program,
  locals: readonly string[] = [],
): Closure {
  switch (node.kind) {
    case "number":
    case "string":
    case "constant": {
      const { value } = node;
      return () => value;
    }
    case "duration": {
      const value = new Duration(node.ms);
      return () => value;
    }
    case "polls":
      return faulty("a number of polls is no value");
    case "name":
      return compileName(node.name, node, program, locals);
    case "unary":
      return compileUnary(node.operator, compile(node.operand, program, locals));
    case "binary":
      return compileBinary(node, program, locals);
    case "logic":
      return compileLogic(
        node.operator === "or",
        node.operands.map((each) => compile(each, program, locals)),
      );
    case "conditional":
      return compileConditional(
        [node.test, node.then, node.otherwise].map((each) => compile(each, program, locals)),
      );
    case "field":
      return compileField(compile(node.of, program, locals), node.name, node.isOptional);
    case "index":
      return compileIndex(compile(node.of, program, locals), compile(node.index, program, locals));
    case "call":
      return compileCall(node, program, locals);
    case "list":
      return compileList(node.items.map((item) => compile(item, program, locals)));
    case "map": {
      const keys = node.entries.map(({ key }) => compile(key, program, locals));
      const values = node.entries.map(({ value }) => compile(value, program, locals));
      return compileMap(keys, values);
    }
  }
}

function compileName(
  name: string,
  node: Expression,
  program: Program,
  locals: readonly string[],
): Closure {
  const local = locals.lastIndexOf(name);
  if (local !== -1) return (frame) => frame.locals[local] ?? null;
  // `prev` alone is the value of the poll before.
  const slot = program.slot(name === "prev" ? "value" : name);
  const root: Closure = (frame) => frame.roots[slot] ?? null;
  const before = name === "prev" ? functionOf("prev", 1) : undefined;
  return before?.kind === "history"
    ? compileSite(node, before, {}, root, undefined, program)
    : root;
}

function compileBinary(
  { operator, left, right }: BinaryNode,
  program: Program,
  locals: readonly string[],
): Closure {
  const a = compile(left, program, locals);
  const b = compile(right, program, locals);
  if (operator === "??")
    return (frame) => {
      const value = a(frame);
      return value === MISSING || value === null ? b(frame) : value;
    };
  const operation = operator === "matches" ? matching() : operations[operator];
  return (frame) => operation(a(frame), b(frame), frame);
}

function compileCall(node: CallNode, program: Program, locals: readonly string[]): Closure {
  const spec = functionOf(node.name, node.arguments.length);
  if (spec === undefined) return faulty(`unknown function ${node.name}`);
  const closures = (given: readonly Expression[]) =>
    given.map((each) => compile(each, program, locals));
  if (spec.kind === "plain") return compilePlain(node.name, spec, closures(node.arguments));
  const [first, second, third] = node.arguments;
  if (first === undefined) return faulty(`${node.name}() needs an argument`);
  if (spec.kind === "history") {
    const parameter = spec.params[1]?.replace("?", "");
    const isLiteral = parameter === "window" || parameter === "polls";
    const window = isLiteral ? windowOf(second, parameter) : {};
    if (window === undefined) return faulty(`${node.name}() needs a literal window`);
    const extra = isLiteral || second === undefined ? undefined : compile(second, program, locals);
    return compileSite(node, spec, window, compile(first, program, locals), extra, program);
  }
  if (second?.kind !== "name" || third === undefined)
    return faulty(`${node.name}() needs the name of the element`);
  const each = compile(third, program, [...locals, second.name]);
  return compileOver(
    node.name,
    spec,
    compile(first, program, locals),
    each,
    locals.length,
    measured(third).nodes,
  );
}

/** Arguments are of the right types when the function is called. */
function compilePlain(name: string, spec: PlainFunction, given: readonly Closure[]): Closure {
  const least = spec.params.filter((each) => !each.endsWith("?")).length;
  if (given.length < least || given.length > spec.params.length)
    return faulty(`${name}() takes ${least} to ${spec.params.length} arguments`);
  if (spec.takesMissing === true)
    return (frame) =>
      spec.call(
        given.map((each) => each(frame)),
        frame,
      );
  const allowed = spec.params.map(namesOf);
  return (frame) => {
    const values: Value[] = [];
    for (const [index, each] of given.entries()) {
      const value = each(frame);
      const gap = lacking(value);
      if (gap !== undefined) return gap;
      const type = typeNameOf(value);
      if (allowed[index]?.includes(type) === false)
        return new Fault(`${name}() takes no ${type} there`);
      values.push(value);
    }
    return spend(frame, 1) ? spec.call(values, frame) : tooManySteps;
  };
}

function compileOver(
  name: string,
  spec: ListFunction,
  list: Closure,
  each: Closure,
  slot: number,
  nodes: number,
): Closure {
  // A step for each node of the expression and each element.
  const counted: Closure = (frame) => (spend(frame, nodes) ? each(frame) : tooManySteps);
  return (frame) => {
    const value = list(frame);
    if (isList(value)) return spec.call(value, counted, frame, slot);
    if (isMap(value)) return spec.call(Object.keys(value), counted, frame, slot);
    return lacking(value) ?? new Fault(`${name}() takes a list or a map, not ${typeNameOf(value)}`);
  };
}

function compileSite(
  node: Expression,
  spec: HistoryFunction,
  window: HistoryWindow,
  sample: Closure,
  extra: Closure | undefined,
  program: Program,
): Closure {
  let ring = program.ringOf.get(node);
  if (ring === undefined) {
    ring = program.rings.length;
    program.rings.push(new Ring(spec.reach(window)));
    program.ringOf.set(node, ring);
    program.sites.push({ sample, ring, ...(spec.keeps !== undefined && { keeps: spec.keeps }) });
  }
  const at = ring;
  return (frame: Frame) => {
    const samples = frame.rings[at];
    return samples === undefined
      ? MISSING
      : spec.read(samples, window, frame, extra?.(frame) ?? null);
  };
}
