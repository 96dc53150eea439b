import { LegionError } from "../lib/errors.ts";
import type { ResourceKey } from "../state/resource.ts";
import { oneTarget, type Scope } from "./references.ts";

/** The watcher or the cron that a word such as `watcher/checkout` or `checkout` names. Throws LEG7017 without one, LEG7002 for one of another kind. */
export function kindTarget(
  kind: "Watcher" | "Cron",
  word: string | undefined,
  scope: Scope,
  command: string,
): ResourceKey {
  const noun = kind.toLowerCase();
  if (word === undefined || word === "")
    throw new LegionError({
      code: "LEG7017",
      message: `legion ${command} needs the name of a ${noun}`,
      hint: `legion get ${noun}s lists them; then: legion ${command} NAME`,
    });
  const key = oneTarget([word.includes("/") ? word : `${noun}/${word}`], scope);
  if (key.kind === kind) return key;
  const other = key.kind.toLowerCase();
  const article = /^[aeiou]/.test(other) ? "an" : "a";
  throw new LegionError({
    code: "LEG7002",
    message: `legion ${command} takes a ${noun}, not ${article} ${other}`,
    hint: `write ${noun}/NAME, or the name alone`,
    valid: [`${noun}/NAME`],
  });
}
