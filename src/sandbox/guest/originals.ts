/**
 * The files of this folder run INSIDE QuickJS, joined to one script, before any code of the model (see ../boot.ts). They import
 * only each other. After boot they call nothing that the model could have replaced: no methods through prototypes, no spread,
 * no destructuring of arrays, no for-of; this file keeps the originals.
 */

export type Table = Record<PropertyKey, unknown>;

/** A method as a function whose first argument is `this`. */
function uncurry<Rest extends unknown[], Result>(method: (...rest: Rest) => Result) {
  return bindCall(method) as (self: unknown, ...rest: Rest) => Result;
}
const bindCall = Function.prototype.bind.bind(Function.prototype.call) as (
  method: unknown,
) => unknown;

export const { parse, stringify } = JSON;
export const { create, defineProperty, freeze, getOwnPropertyDescriptor, getPrototypeOf } = Object;
export const { ownKeys } = Reflect;
export const { isArray } = Array;
export const { isFinite: isFiniteNumber } = Number;
export const { isView } = ArrayBuffer;
export const MapType = Map;
export const SetType = Set;
export const DateType = Date;
export const PromiseType = Promise;
export const ErrorType = Error;
export const TypeErrorType = TypeError;
export const RangeErrorType = RangeError;
export const RegExpType = RegExp;
export const ProxyType = Proxy;
export const StringType = String;
export const NumberType = Number;
export const BigIntType = BigInt;
export const ObjectPrototype = Object.prototype;
export const indirectEval = Reflect.get(globalThis, "eval") as (code: string) => unknown;
export const guestGlobal = globalThis as unknown as Table;

export const mapForEach = uncurry<[visit: (value: unknown, key: unknown) => void], void>(
  Map.prototype.forEach,
);
export const mapSet = uncurry<[key: unknown, value: unknown], unknown>(Map.prototype.set);
export const setForEach = uncurry<[visit: (value: unknown) => void], void>(Set.prototype.forEach);
export const setAdd = uncurry<[value: unknown], unknown>(Set.prototype.add);
export const timeOf = uncurry(Date.prototype.getTime);
export const sourceOf = uncurry(Function.prototype.toString);
export const regExpText = uncurry(RegExp.prototype.toString);
export const hasOwn = uncurry(Object.prototype.hasOwnProperty);
export const slice = uncurry(String.prototype.slice);
export const indexOf = uncurry(String.prototype.indexOf);
const typedArrayPrototype = getPrototypeOf(Uint8Array.prototype) as object;
export const viewName = uncurry(
  getOwnPropertyDescriptor(typedArrayPrototype, Symbol.toStringTag)?.get as () =>
    | string
    | undefined,
);

export const viewTypes = create(null) as Record<
  string,
  (new (items: unknown) => unknown) | undefined
>;
for (const type of [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
]) {
  viewTypes[type.name] = type as new (items: unknown) => unknown;
}

/** Like push, but no setter that the model put on a prototype runs. */
export function append<Item>(list: Item[], item: Item): void {
  defineProperty(list, list.length, {
    __proto__: null,
    value: item,
    writable: true,
    enumerable: true,
    configurable: true,
  } as PropertyDescriptor);
}

/** Text with at most so many characters. */
export function capped(text: string, charsMax: number): string {
  return text.length > charsMax ? `${slice(text, 0, charsMax)}…` : text;
}

/** JSON of Legion's own data: no `toJSON` that the model put on a prototype changes it. */
export function ownText(value: unknown): string {
  return stringify(value, itself) as string;
}

function itself(this: Table, key: string): unknown {
  return this[key];
}
