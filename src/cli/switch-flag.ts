import { LegionError } from "../lib/errors.ts";

/** The value of a flag that is written `--wait`, `--wait=true` or `--wait=false`. Throws LEG7001 for another one. */
export function switchFlag(
  flag: string,
  given: string | boolean | undefined,
  preset: boolean,
): boolean {
  if (given === undefined) return preset;
  if (typeof given === "boolean") return given;
  if (given === "true" || given === "false") return given === "true";
  throw new LegionError({
    code: "LEG7001",
    message: `${flag} does not take "${given}"`,
    hint: `write ${flag}=true or ${flag}=false`,
    valid: ["true", "false"],
  });
}
