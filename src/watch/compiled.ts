import { LegionError } from "../lib/errors.ts";
import { triggerLanguage } from "../trigger/language.ts";
import type { Machine } from "../trigger/machine.ts";
import type { WatcherPlan } from "./plan.ts";

/** The trigger of one generation. */
export interface CompiledTrigger {
  /** A machine at its beginning; another one at each call. */
  machine(): Machine;
  /** The trigger without its actions, for people. */
  readonly condition: string;
}

/** Compiles the trigger of a plan. LEG2700 when it has mistakes. */
export async function compilePlan({ object, schema }: WatcherPlan): Promise<CompiledTrigger> {
  const { compileTrigger, parseTrigger, formatTrigger } = await triggerLanguage.get();
  const { trigger, type, timezone, recovery } = object.spec;
  const options = {
    source: type,
    zone: timezone,
    schema,
    ...(recovery !== undefined && { recovery }),
  };
  const make = (): Machine => {
    const { machine, errors, recoveryErrors } = compileTrigger(trigger, options);
    if (machine !== undefined) return machine;
    const [first] = [...errors, ...recoveryErrors];
    throw new LegionError({
      code: "LEG2700",
      message: `the trigger of the watcher ${object.name} cannot be used: ${first?.code ?? ""} ${first?.message ?? ""}`,
      hint: first?.hint ?? "run legion validate on its manifest",
    });
  };
  let first: Machine | undefined = make();
  const { tree } = parseTrigger(trigger);
  const { then: _, ...quiet } = tree ?? {};
  return {
    machine() {
      const machine = first ?? make();
      first = undefined;
      return machine;
    },
    condition: tree === undefined ? trigger : formatTrigger(quiet as typeof tree),
  };
}
