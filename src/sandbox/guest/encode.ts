import {
  append,
  DateType,
  ErrorType,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  hasOwn,
  indexOf,
  isArray,
  isFiniteNumber,
  isView,
  MapType,
  mapForEach,
  ObjectPrototype,
  PromiseType,
  RegExpType,
  regExpText,
  SetType,
  StringType,
  setForEach,
  sourceOf,
  stringify,
  type Table,
  TypeErrorType,
  timeOf,
  viewName,
} from "./originals.ts";

/** Marks an object of the tagged form that stands for something JSON cannot say. */
export const TAG = "$";

/** Sources of the functions that the last `taggedText` met. */
let sources: string[] = [];

/** The sources of the functions in the text that `taggedText` returned last. */
export function lastSources(): string[] {
  return sources;
}

/** JSON as a reader of JSON expects it: dates as ISO text, Maps as objects or lists of entries, Sets as lists, bigints as decimal text. */
export function plainText(value: unknown): string | undefined {
  // A replacer costs more than such a value itself.
  if (typeof value === "number" || typeof value === "string" || typeof value === "boolean")
    return stringify(value);
  if (typeof value === "function")
    throw new TypeErrorType("it is a function; call it, or use data");
  if (typeof value === "symbol") throw new TypeErrorType("it is a symbol; use text");
  return withoutCycles(() => stringify(value, plain));
}

/** JSON with tags, from which `revive` makes the same value again. */
export function taggedText(value: unknown): string {
  sources = [];
  return withoutCycles(() => stringify(value, tagged)) as string;
}

function withoutCycles(write: () => string | undefined): string | undefined {
  try {
    return write();
  } catch (error) {
    const message = messageOf(error);
    if (message === "circular reference") throw new TypeErrorType("it refers to itself");
    if (indexOf(message, "call stack size exceeded") >= 0)
      throw new TypeErrorType("it refers to itself, or nests too deeply");
    throw error;
  }
}

function messageOf(error: unknown): string {
  const message =
    error instanceof ErrorType ? getOwnPropertyDescriptor(error, "message")?.value : undefined;
  return typeof message === "string" ? message : "";
}

function plain(this: Table, key: string, json: unknown): unknown {
  if (typeof json === "string" || typeof json === "number" || typeof json === "boolean")
    return json;
  if (typeof json === "bigint") return StringType(json);
  if (typeof json !== "object" || json === null || isArray(json)) return json;
  const prototype = getPrototypeOf(json);
  if (prototype === ObjectPrototype || prototype === null) return json;
  if (json instanceof PromiseType)
    throw new TypeErrorType(`${key === "" ? "it" : `"${key}" in it`} is a promise; await it first`);
  if (json instanceof MapType) return plainMap(json);
  if (json instanceof SetType) return setItems(json);
  if (json instanceof RegExpType) return regExpText(json);
  if (json instanceof ErrorType)
    return { name: StringType(json.name), message: StringType(json.message) };
  return isView(json) ? viewItems(json) : json;
}

function plainMap(map: unknown): unknown {
  const entries: [unknown, unknown][] = [];
  const object = { __proto__: null } as Table;
  let hasTextKeys = true;
  mapForEach(map, (value, key) => {
    append(entries, [key, value]);
    if (typeof key === "string") object[key] = value;
    else hasTextKeys = false;
  });
  return hasTextKeys ? object : entries;
}

function tagged(this: Table, key: string): unknown {
  const value = this[key];
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return isFiniteNumber(value) && (value !== 0 || 1 / value > 0)
        ? value
        : { [TAG]: "number", of: numberText(value) };
    case "undefined":
      return { [TAG]: "undefined" };
    case "bigint":
      return { [TAG]: "bigint", of: StringType(value) };
    case "function":
      return taggedFunction(value);
    case "symbol":
      throw new TypeErrorType("a symbol cannot be kept");
  }
  if (value === null || isArray(value)) return value;
  return taggedObject(value as object);
}

function taggedObject(value: object): unknown {
  const prototype = getPrototypeOf(value);
  if (prototype === ObjectPrototype || prototype === null) {
    if (!hasOwn(value, TAG) && !hasOwn(value, "toJSON") && !hasOwn(value, "__proto__"))
      return value;
    return { [TAG]: "object", of: objectEntries(value as Table) };
  }
  if (value instanceof DateType) return { [TAG]: "date", of: timeOf(value) };
  if (value instanceof MapType) return { [TAG]: "map", of: mapEntries(value) };
  if (value instanceof SetType) return { [TAG]: "set", of: setItems(value) };
  if (value instanceof RegExpType) return { [TAG]: "regexp", of: [value.source, value.flags] };
  if (value instanceof ErrorType) return { [TAG]: "error", of: errorFields(value) };
  if (isView(value)) return { [TAG]: "bytes", type: viewName(value), of: viewItems(value) };
  throw new TypeErrorType(`an instance of ${className(value)} cannot be kept; keep plain data`);
}

function taggedFunction(value: unknown): unknown {
  const source = sourceOf(value);
  if (indexOf(source, "[native code]") >= 0)
    throw new TypeErrorType("a built-in or bound function has no source to keep");
  append(sources, source);
  return { [TAG]: "function", of: source };
}

/** The name of the class of an object. */
export function className(value: object): string {
  try {
    const maker = (value as { constructor?: { name?: unknown } }).constructor;
    return typeof maker?.name === "string" && maker.name !== "" ? maker.name : "Object";
  } catch {
    return "Object";
  }
}

function numberText(value: number): string {
  return value === 0 ? "-0" : StringType(value);
}

function errorFields(error: Error): Table {
  const fields = {
    __proto__: null,
    name: StringType(error.name),
    message: StringType(error.message),
  } as Table;
  for (const name of ["code", "hint"]) {
    const value = getOwnPropertyDescriptor(error, name)?.value;
    if (typeof value === "string") fields[name] = value;
  }
  return fields;
}

function objectEntries(value: Table): unknown[] {
  const entries: unknown[] = [];
  for (const key in value) if (hasOwn(value, key)) append(entries, [key, value[key]]);
  return entries;
}

function mapEntries(map: unknown): unknown[] {
  const entries: unknown[] = [];
  mapForEach(map, (value, key) => append(entries, [key, value]));
  return entries;
}

function setItems(set: unknown): unknown[] {
  const items: unknown[] = [];
  setForEach(set, (item) => append(items, item));
  return items;
}

function viewItems(view: object): unknown[] {
  const items: unknown[] = [];
  const { length } = view as { length: number };
  const numbers = view as unknown as Record<number, unknown>;
  for (let index = 0; index < length; index += 1) append(items, numbers[index]);
  return items;
}
