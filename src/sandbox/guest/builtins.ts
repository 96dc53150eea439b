import {
  create,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  guestGlobal,
  NumberType,
  ownKeys,
  ownText,
  StringType,
  type Table,
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

/** Whether a global belongs to the model: it is not there at boot, or it is the name of a lesser function that was reused. */
export function isVariable(name: string): boolean {
  if (!(name in bootGlobals)) return true;
  const was = bootGlobals[name];
  return !isFixed(name) && was !== notThere && guestGlobal[name] !== was;
}
