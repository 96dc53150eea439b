import { isVariable } from "./builtins.ts";
import { className, lastSources, TAG, taggedText } from "./encode.ts";
import {
  append,
  BigIntType,
  DateType,
  defineProperty,
  ErrorType,
  getOwnPropertyDescriptor,
  guestGlobal,
  hasOwn,
  indexOf,
  indirectEval,
  isArray,
  MapType,
  mapSet,
  NumberType,
  ownKeys,
  ownText,
  parse,
  RegExpType,
  SetType,
  StringType,
  setAdd,
  sourceOf,
  type Table,
  viewTypes,
} from "./originals.ts";

/** JSON list of the names of the model's variables, in the order of their creation. */
export function bindingNames(): string {
  const found: string[] = [];
  const all = ownKeys(guestGlobal);
  for (let index = 0; index < all.length; index += 1) {
    const name = all[index];
    if (typeof name === "string" && isVariable(name)) append(found, name);
  }
  return ownText(found);
}

/** A variable as three lines: type, JSON list of the sources of its functions, tagged JSON. Throws the reason when it cannot be kept. */
export function encodeBinding(name: string, charsMax: number): string {
  const descriptor = getOwnPropertyDescriptor(guestGlobal, name);
  if (descriptor === undefined || !("value" in descriptor)) throw new ErrorType("it is a getter");
  const { value } = descriptor;
  const text = taggedText(value);
  if (text.length > charsMax) return "";
  return `${typeOf(value)}\n${ownText(lastSources())}\n${text}`;
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "function")
    return indexOf(sourceOf(value), "class") === 0 ? "class" : "function";
  if (typeof value !== "object") return typeof value;
  if (isArray(value)) return "array";
  const name = className(value);
  return name === "Object" ? "object" : name;
}

/** Makes the variables of a snapshot again; answers a JSON list of the names that could not be made. */
export function restoreBindings(text: string): string {
  const bindings = parse(text) as Table;
  const lost: string[] = [];
  for (const name in bindings) {
    try {
      const value = revive(bindings[name], name);
      defineProperty(guestGlobal, name, {
        value,
        writable: true,
        enumerable: true,
        configurable: true,
      });
    } catch {
      append(lost, name);
    }
  }
  return ownText(lost);
}

/** The value of its tagged form; `name` is given to a function without one. */
export function revive(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return value;
  const table = value as Table;
  if (isArray(value) || !hasOwn(value, TAG)) {
    for (const key in table) {
      const item = table[key];
      if (typeof item === "object" && item !== null) table[key] = revive(item, key);
    }
    return value;
  }
  const make = makers[StringType(table[TAG])];
  if (make === undefined) throw new ErrorType("unknown tag");
  return make(table.of, name, table);
}

const makers: Record<string, ((of: unknown, name: string, table: Table) => unknown) | undefined> = {
  undefined: () => undefined,
  number: (of) => NumberType(of),
  bigint: (of) => BigIntType(of as string),
  date: (of) => new DateType(of === null ? Number.NaN : (of as number)),
  regexp: (of) => new RegExpType((of as string[])[0] as string, (of as string[])[1]),
  function: (of, name) => functionOf(StringType(of), name),
  error: (of) => errorOf(of as Table),
  object: (of) => {
    const object: Table = {};
    eachEntry(of, (key, value) =>
      defineProperty(object, StringType(key), {
        value,
        writable: true,
        enumerable: true,
        configurable: true,
      }),
    );
    return object;
  },
  map: (of) => {
    const map = new MapType();
    eachEntry(of, (key, value) => mapSet(map, key, value));
    return map;
  },
  set: (of) => {
    const set = new SetType();
    const items = of as unknown[];
    for (let index = 0; index < items.length; index += 1) setAdd(set, revive(items[index], ""));
    return set;
  },
  bytes: (of, _name, table) => {
    const Type = viewTypes[StringType(table.type)];
    const items = of as unknown[];
    for (let index = 0; index < items.length; index += 1) items[index] = revive(items[index], "");
    if (Type === undefined) throw new ErrorType("unknown type of bytes");
    return new Type(items);
  },
};

function eachEntry(of: unknown, visit: (key: unknown, value: unknown) => void): void {
  const entries = of as [unknown, unknown][];
  for (let index = 0; index < entries.length; index += 1) {
    const entry = entries[index] as [unknown, unknown];
    visit(revive(entry[0], ""), revive(entry[1], ""));
  }
}

/** As the value of a property an anonymous function gets its name; a method is only a function inside an object. */
function functionOf(source: string, name: string): unknown {
  const key = ownText(name);
  try {
    return indirectEval(`({${key}:${source}})[${key}]`);
  } catch {
    const holder = indirectEval(`({${source}})`) as Table;
    for (const method in holder) return holder[method];
    throw new ErrorType("not a function");
  }
}

function errorOf(fields: Table): Error {
  const error = new ErrorType(StringType(fields.message));
  for (const key in fields) {
    if (key !== "message")
      defineProperty(error, key, {
        value: fields[key],
        writable: true,
        enumerable: false,
        configurable: true,
      });
  }
  return error;
}
