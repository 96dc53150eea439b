import { LegionError } from "../lib/errors.ts";

/** The generation that a flag was given; undefined without one. Throws LEG7001. */
export function generationFlag(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const generation = Number(text);
  if (/^\d+$/.test(text) && generation > 0) return generation;
  throw new LegionError({
    code: "LEG7001",
    message: `${flag} does not take "${text}"`,
    hint: "write the number of a generation; legion rollout history KIND/NAME lists them",
  });
}
