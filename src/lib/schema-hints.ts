import { isObject } from "./json.ts";
import { nearQuantity, type Quantity, quantityOf } from "./near-quantity.ts";

/** What a schema says of the form of its values: the description, and examples unless it has some. */
export function formHint(schema: unknown): string {
  const { description, examples } = isObject(schema) ? schema : {};
  const told = typeof description === "string" ? description.replace(/\.$/, "") : "";
  if (!Array.isArray(examples) || told.includes("for example")) return told;
  const list = `for example ${examples.map(String).join(", ")}`;
  return told === "" ? list : `${told}; ${list}`;
}

/** What a schema measures, as its examples tell. */
export function measured(schema: unknown): Quantity | undefined {
  const { pattern, examples } = isObject(schema) ? schema : {};
  return typeof pattern === "string" && Array.isArray(examples)
    ? quantityOf(examples[0])
    : undefined;
}

/** The quantity that was probably meant by a value of the wrong form, as the first line of a hint; may be empty. */
export function nearHint(schema: unknown, value: unknown): string {
  const quantity = measured(schema);
  const near = quantity && nearQuantity(value, quantity);
  return near === undefined ? "" : `did you mean "${near}"?\n`;
}

/** Words in place of a list, as the list of them. */
export function asList(types: readonly string[], value: unknown): string | undefined {
  const isWords = typeof value === "string" && /^[\w./-]+(, ?[\w./-]+)*$/.test(value);
  return isWords && types.length === 1 && types[0] === "array" ? `[${value}]` : undefined;
}
