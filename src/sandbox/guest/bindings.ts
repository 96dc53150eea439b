import { className, lastSources, TAG, taggedText } from "./encode.ts";
import {
  append,
  BigIntType,
  create,
  DateType,
  defineProperty,
  ErrorType,
  getOwnPropertyDescriptor,
  getPrototypeOf,
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

/** A built-in object as it was at boot. */
interface Original {
  readonly owner: Table;
  readonly path: string;
  readonly count: number;
}

const originals: Original[] = [];
/** All their properties, in lists side by side: the look at each of them after every evaluation has to be quick. */
const owners: Table[] = [];
const names: PropertyKey[] = [];
const values: unknown[] = [];
const accessors: { owner: Table; name: PropertyKey; get: unknown; set: unknown }[] = [];
/** In the place of a value that cannot be compared. */
const notThere = { __proto__: null };
/** The globals of a fresh instance, with their values. */
let bootGlobals = create(null) as Table;

/** Remembers the globals and all built-in objects that can be reached from them. The last step of boot. */
export function rememberOriginals(): string {
  const globals = ownKeys(guestGlobal);
  const seen = new Set<unknown>([guestGlobal]);
  bootGlobals = create(null) as Table;
  for (const name of globals) {
    const value = guestGlobal[name];
    bootGlobals[name] = value === undefined || NumberType.isNaN(value) ? notThere : value;
    rememberObject(value, StringType(name), seen);
  }
  // Syntax reaches these without a name.
  rememberObject(
    getPrototypeOf(async () => {}),
    "AsyncFunction.prototype",
    seen,
  );
  rememberObject(
    getPrototypeOf(function* () {}),
    "GeneratorFunction.prototype",
    seen,
  );
  rememberObject(
    getPrototypeOf(async function* () {}),
    "AsyncGeneratorFunction.prototype",
    seen,
  );
  rememberObject(getPrototypeOf([][Symbol.iterator]()), "ArrayIterator.prototype", seen);
  return ownText(globals.filter((name) => typeof name === "string"));
}

function rememberObject(value: unknown, path: string, seen: Set<unknown>): void {
  if (
    (typeof value !== "object" && typeof value !== "function") ||
    value === null ||
    seen.has(value)
  )
    return;
  seen.add(value);
  const owner = value as Table;
  const keys = ownKeys(owner);
  // A function with nothing but its name and length is checked by the object that holds it.
  if (typeof value === "function" && keys.length <= 2) return;
  originals.push({ owner, path, count: keys.length });
  for (const key of keys) rememberProperty(owner, key, path, seen);
  rememberObject(getPrototypeOf(owner), `${path}.[[Prototype]]`, seen);
}

function rememberProperty(owner: Table, name: PropertyKey, path: string, seen: Set<unknown>): void {
  const { value, get, set, writable, configurable } = getOwnPropertyDescriptor(
    owner,
    name,
  ) as PropertyDescriptor;
  if (get !== undefined || set !== undefined) {
    accessors.push({ owner, name, get, set });
    return;
  }
  if (writable || configurable) {
    owners.push(owner);
    names.push(name);
    values.push(value);
  }
  rememberObject(value, `${path}.${StringType(name)}`, seen);
}

/** The path of a built-in object that is not as it was at boot; empty when all are. */
export function changedOriginal(): string {
  for (let index = 0; index < owners.length; index += 1) {
    if ((owners[index] as Table)[names[index] as PropertyKey] !== values[index])
      return pathOf(owners[index]);
  }
  for (let index = 0; index < accessors.length; index += 1) {
    const { owner, name, get, set } = accessors[index] as (typeof accessors)[number];
    const now = getOwnPropertyDescriptor(owner, name);
    if (now?.get !== get || now?.set !== set) return pathOf(owner);
  }
  for (let index = 0; index < originals.length; index += 1) {
    const { owner, path, count } = originals[index] as Original;
    if (ownKeys(owner).length !== count) return path;
  }
  return "";
}

function pathOf(owner: unknown): string {
  for (let index = 0; index < originals.length; index += 1) {
    if ((originals[index] as Original).owner === owner) return (originals[index] as Original).path;
  }
  return "built-in";
}

/** Built-in classes and namespaces, which begin with a capital, keep their names; the name of a lesser function can be reused. */
function isFixed(name: string): boolean {
  const first = name[0] as string;
  return (
    name in bootGlobals &&
    ((first >= "A" && first <= "Z") || name === "globalThis" || name === "eval")
  );
}

/** The built-in class or namespace whose name has been given to something else, or was deleted. */
export function replacedGlobal(): string {
  for (const name in bootGlobals) {
    if (isFixed(name) && bootGlobals[name] !== notThere && guestGlobal[name] !== bootGlobals[name])
      return name;
  }
  return "";
}

/** JSON list of the names of the model's variables, in the order of their creation. */
export function bindingNames(): string {
  const found: string[] = [];
  const all = ownKeys(guestGlobal);
  for (let index = 0; index < all.length; index += 1) {
    const name = all[index];
    if (typeof name !== "string" || isFixed(name)) continue;
    if (!(name in bootGlobals) || isRedefined(name)) append(found, name);
  }
  return ownText(found);
}

function isRedefined(name: string): boolean {
  const was = bootGlobals[name];
  return was !== notThere && guestGlobal[name] !== was;
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
