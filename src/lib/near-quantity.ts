import { parseDuration, parseSize } from "./quantities.ts";

export type Quantity = "duration" | "size";

/** How people write units that we write otherwise, lower case; `m` alone is minutes of a duration and mebibytes of a size. */
const units: Readonly<Record<Quantity, Readonly<Record<string, string>>>> = {
  duration: {
    ...spellings("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"),
    ...spellings("s", "sec", "secs", "second", "seconds"),
    ...spellings("m", "min", "mins", "minute", "minutes"),
    ...spellings("h", "hr", "hrs", "hour", "hours"),
    ...spellings("d", "day", "days"),
  },
  size: {
    ...spellings("B", "b", "byte", "bytes"),
    ...spellings("kB", "kb"),
    ...spellings("KiB", "k", "kib"),
    ...spellings("MB", "mb"),
    ...spellings("MiB", "m", "mib"),
    ...spellings("GB", "gb"),
    ...spellings("GiB", "g", "gib"),
  },
};

function spellings(unit: string, ...others: string[]): Record<string, string> {
  return Object.fromEntries([unit, ...others].map((word) => [word, unit]));
}

/** A number from which on a duration is meant in milliseconds and a size in bytes. */
const SMALLEST_UNIT_FROM = 1_000;

/** What was probably meant by something that is no duration or size: `10 minutes` is 10m, 64M is 64MiB, 30 is 30s. */
export function nearQuantity(value: unknown, quantity: Quantity): string | undefined {
  const text = String(value).trim();
  if (/^[0-9]+(\.[0-9]+)?$/.test(text)) return `${text}${unitOf(Number(text), quantity)}`;
  const parts = [...text.matchAll(/([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)[\s,]*/gi)];
  const near = parts
    .map(([, amount, unit = ""]) => `${amount}${units[quantity][unit.toLowerCase()] ?? unit}`)
    .join("");
  const isWhole = parts.reduce((total, [part]) => total + part.length, 0) === text.length;
  return isWhole && quantityOf(near) === quantity ? near : undefined;
}

function unitOf(amount: number, quantity: Quantity): string {
  const isSmallest = amount >= SMALLEST_UNIT_FROM;
  if (quantity === "duration") return isSmallest ? "ms" : "s";
  return isSmallest ? "B" : "MiB";
}

/** What a text measures. */
export function quantityOf(text: unknown): Quantity | undefined {
  if (typeof text !== "string") return undefined;
  if (parseDuration(text) !== undefined) return "duration";
  return parseSize(text) === undefined ? undefined : "size";
}
