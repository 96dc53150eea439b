import type { TriggerFunction } from "./function-spec.ts";
import { conversions } from "./functions-conversions.ts";
import { historyFunctions } from "./functions-history.ts";
import { listFunctions } from "./functions-lists.ts";
import { textFunctions } from "./functions-text.ts";
import { timeFunctions } from "./functions-times.ts";

/** Every function of the language. The checker, `explain` and the docs read it. */
export const triggerFunctions: Readonly<Record<string, TriggerFunction>> = {
  ...textFunctions,
  ...conversions,
  ...timeFunctions,
  ...listFunctions,
  ...historyFunctions,
};

/** The function that a call means: with the name of an element it is one of lists, whose names begin with a dot. */
export function functionOf(name: string, given: number): TriggerFunction | undefined {
  const ofLists = `.${name}`;
  const isPlain = Object.hasOwn(triggerFunctions, name);
  if (Object.hasOwn(triggerFunctions, ofLists) && (given === 3 || !isPlain))
    return triggerFunctions[ofLists];
  return isPlain ? triggerFunctions[name] : undefined;
}

/** `split(string, string) list of string`: a function with its types, for people. */
export function signatureOf(name: string): string {
  const spec = triggerFunctions[name];
  return spec === undefined ? name : `${name}(${spec.params.join(", ")}) ${spec.result}`;
}
