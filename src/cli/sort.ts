import { LegionError } from "../lib/errors.ts";
import type { ApiObject } from "../reconcile/contract.ts";

/** Short names of what people sort by. */
const fields: Readonly<Record<string, string>> = {
  name: ".metadata.name",
  age: ".metadata.creationTimestamp",
};

/** The objects by a field, numbers by size and else by code units; those without the field come last. The order stays without one. Throws LEG7012 for what is no path, LEG7001 for a field that none of them has. */
export async function sortedBy(
  items: readonly ApiObject[],
  field: string | undefined,
): Promise<readonly ApiObject[]> {
  if (field === undefined) return items;
  const { parsePath } = await import("./jsonpath.ts");
  const path = parsePath(fields[field] ?? field);
  if (items.length > 0 && items.every((item) => path(item).length === 0)) throw noField(field);
  const keyed = items.map((item) => ({ item, key: path(item)[0] }));
  return keyed.toSorted((a, b) => compare(a.key, b.key)).map(({ item }) => item);
}

function noField(field: string): LegionError {
  return new LegionError({
    code: "LEG7001",
    message: `--sort-by finds no field "${field}" in any of the objects`,
    hint: "write name, age, or the path of a field, for example .metadata.creationTimestamp",
  });
}

function compare(a: unknown, b: unknown): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [left, right] = [text(a), text(b)];
  return left < right ? -1 : Number(left > right);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
