/** Closures made of closures: what an expression does, without its tree. */
import type { Closure } from "./frame.ts";
import {
  Duration,
  Fault,
  isList,
  isMap,
  lacking,
  MISSING,
  typeNameOf,
  type Value,
  type ValueMap,
} from "./values.ts";

/** A sign or a negation. */
export function compileUnary(operator: string, operand: Closure): Closure {
  if (operator === "-")
    return (frame) => {
      const value = operand(frame);
      if (typeof value === "number") return -value;
      if (value instanceof Duration) return new Duration(-value.ms);
      return lacking(value) ?? new Fault(`no operator - ${typeNameOf(value)}`);
    };
  return (frame) => {
    const value = operand(frame);
    if (typeof value === "boolean") return !value;
    return lacking(value) ?? new Fault(`${operator} takes a condition, not ${typeNameOf(value)}`);
  };
}

/** Kleene logic: the first operand that settles it does, whatever is missing or wrong with the others. */
export function compileLogic(settling: boolean, operands: readonly Closure[]): Closure {
  return (frame) => {
    let result: Value = !settling;
    for (const operand of operands) {
      const value = operand(frame);
      if (value === settling) return settling;
      if (typeof value === "boolean" || result instanceof Fault) continue;
      if (value === MISSING || value === null) result = MISSING;
      else
        result =
          value instanceof Fault
            ? value
            : new Fault(`a condition is a bool, not ${typeNameOf(value)}`);
    }
    return result;
  };
}

/** `test ? then : otherwise`. */
export function compileConditional([test, then, otherwise]: readonly Closure[]): Closure {
  return (frame) => {
    const value = test?.(frame) ?? null;
    if (value === true) return then?.(frame) ?? null;
    if (value === false) return otherwise?.(frame) ?? null;
    return lacking(value) ?? new Fault(`a condition is a bool, not ${typeNameOf(value)}`);
  };
}

/** A field of a map: what is absent is missing; `?.` gives missing for anything without fields as well. */
export function compileField(of: Closure, name: string, isOptional: boolean): Closure {
  return (frame) => {
    const value = of(frame);
    if (isMap(value)) return Object.hasOwn(value, name) ? (value[name] ?? null) : MISSING;
    if (isOptional) return value instanceof Fault ? value : MISSING;
    return lacking(value) ?? new Fault(`${typeNameOf(value)} has no field ${name}`);
  };
}

/** An element of a list, from the end when the index is negative, or a value of a map. */
export function compileIndex(of: Closure, index: Closure): Closure {
  return (frame) => {
    const value = of(frame);
    const at = index(frame);
    if (isList(value) && typeof at === "number") {
      if (!Number.isInteger(at)) return new Fault("the index of a list is a whole number");
      const place = at < 0 ? value.length + at : at;
      return place >= 0 && place < value.length ? (value[place] ?? null) : MISSING;
    }
    if (isMap(value) && typeof at === "string")
      return Object.hasOwn(value, at) ? (value[at] ?? null) : MISSING;
    return (
      lacking(value, at) ?? new Fault(`no element ${typeNameOf(at)} of a ${typeNameOf(value)}`)
    );
  };
}

/** A list; a missing element is null, as JSON has no missing. */
export function compileList(items: readonly Closure[]): Closure {
  return (frame) => {
    const values: Value[] = [];
    for (const item of items) {
      const value = item(frame);
      if (value instanceof Fault) return value;
      values.push(value === MISSING ? null : value);
    }
    return values;
  };
}

/** A map; a missing value is null. */
export function compileMap(keys: readonly Closure[], values: readonly Closure[]): Closure {
  return (frame) => {
    const entries: [string, Value][] = [];
    for (const [index, keyOf] of keys.entries()) {
      const key = keyOf(frame);
      const value = values[index]?.(frame) ?? null;
      if (typeof key !== "string")
        return lacking(key) ?? new Fault(`a map key is a string, not ${typeNameOf(key)}`);
      if (value instanceof Fault) return value;
      entries.push([key, value === MISSING ? null : value]);
    }
    return Object.fromEntries(entries) as ValueMap;
  };
}

export function faulty(message: string): Closure {
  const fault = new Fault(message);
  return () => fault;
}
