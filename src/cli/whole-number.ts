import { LegionError } from "../lib/errors.ts";

/** The number that a flag such as `--tail 20` gives; undefined without one. Throws LEG7001 for what is no whole number. */
export function wholeNumber(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(number)) return number;
  throw new LegionError({
    code: "LEG7001",
    message: `${flag} does not take "${text}"`,
    hint: "write a whole number",
  });
}
