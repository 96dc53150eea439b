import type { Json } from "../../lib/json.ts";

/** How deep arguments and results may be nested; deeper ones overflow the stacks of those who walk them. */
export const DEPTH_MAX = 100;

/** Setting this key on an object changes its prototype in careless code; no copy has it. Other names, such as constructor, are data. */
const REFUSED_KEY = "__proto__";

/** Why a value could not be copied. `size` means that it has more bytes than allowed, `key` that it holds the refused key. */
export type PlainFault =
  | { readonly kind: "size" }
  | { readonly kind: "key"; readonly message: string }
  | { readonly kind: "value"; readonly message: string };
export type PlainCopy =
  | { readonly ok: true; readonly value: Json | undefined }
  | { readonly ok: false; readonly fault: PlainFault };

/**
 * A copy of a value that shares nothing with it and is exactly what its JSON says, of at most `bytesMax` bytes of JSON.
 * It stops as soon as the bytes are used up. Stricter than JSON.stringify: what that would turn into `{}` or null is a fault.
 */
export function plainCopy(value: unknown, bytesMax: number): PlainCopy {
  const budget = { bytes: bytesMax };
  try {
    return { ok: true, value: copy(value, [], budget) };
  } catch (error) {
    if (error instanceof Fault) return { ok: false, fault: error.fault };
    // A getter or toJSON of the value itself threw.
    return { ok: false, fault: { kind: "value", message: "cannot be read" } };
  }
}

class Fault extends Error {
  readonly fault: PlainFault;
  constructor(fault: PlainFault) {
    super(fault.kind);
    this.fault = fault;
  }
}

interface Budget {
  bytes: number;
}

function copy(value: unknown, path: readonly string[], budget: Budget): Json | undefined {
  if (value === undefined) return undefined;
  if (value === null || typeof value === "boolean")
    return spend(value, String(value).length, budget);
  if (typeof value === "string") return spend(value, jsonBytes(value, budget), budget);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw refuse(path, `is ${value}`);
    // JSON has no negative zero.
    return spend(value + 0, String(value).length, budget);
  }
  if (typeof value !== "object") throw refuse(path, `is a ${typeof value}`);
  if (path.length >= DEPTH_MAX)
    throw refuse(
      path.slice(0, 3),
      `is nested more than ${DEPTH_MAX} levels deep, or contains itself`,
    );
  if (Array.isArray(value)) return copyArray(value, path, budget);
  return copyObject(value, path, budget);
}

function copyArray(value: readonly unknown[], path: readonly string[], budget: Budget): Json[] {
  spend(null, 2 + value.length, budget);
  return Array.from(value, (item, index) => {
    const inside = [...path, String(index)];
    const copied = copy(item, inside, budget);
    if (copied === undefined) throw refuse(inside, "is undefined");
    return copied;
  });
}

function copyObject(value: object, path: readonly string[], budget: Budget): Json | undefined {
  if ("toJSON" in value && typeof value.toJSON === "function")
    return copy(value.toJSON(), [...path, "toJSON()"], budget);
  const prototype = Object.getPrototypeOf(value);
  // Objects of another realm (a worker, a vm) have an Object.prototype of their own.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
    throw refuse(path, `is an instance of ${nameOf(value)}`);
  spend(null, 2, budget);
  const copied: [string, Json][] = [];
  for (const key of Object.keys(value)) {
    if (key === REFUSED_KEY) throw refuse([...path, key], "is no name for a field", "key");
    const inside = copy((value as Record<string, unknown>)[key], [...path, key], budget);
    if (inside === undefined) continue;
    spend(null, jsonBytes(key, budget) + 2, budget);
    copied.push([key, inside]);
  }
  // Fields of its own, also where Object.prototype has one of that name.
  return Object.fromEntries(copied);
}

function nameOf(value: object): string {
  const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === "string" && name !== "" ? name : "a class";
}

/** Bytes of a text in JSON. A text that cannot fit by its length alone is not encoded. */
function jsonBytes(text: string, budget: Budget): number {
  return text.length > budget.bytes ? text.length : Buffer.byteLength(JSON.stringify(text));
}

function spend<T>(value: T, bytes: number, budget: Budget): T {
  budget.bytes -= bytes;
  if (budget.bytes < 0) throw new Fault({ kind: "size" });
  return value;
}

function refuse(path: readonly string[], what: string, kind: "value" | "key" = "value"): Fault {
  const where = path.length === 0 ? "it" : `"${path.join(".")}"`;
  return new Fault({ kind, message: `${where} ${what}` });
}
