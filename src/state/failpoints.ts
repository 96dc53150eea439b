import { LegionError } from "../lib/errors.ts";
import type { StepType } from "./journal.ts";
import type { JournalFailpoint } from "./journal-batch.ts";
import type { Store } from "./store.ts";

/** The steps of a run that a failpoint may name. */
const STEPS: readonly StepType[] = [
  "turn.started",
  "model.response",
  "eval.started",
  "call.started",
  "call.result",
  "eval.result",
  "turn.finished",
  "call.reverted",
];
const NUMBER = "([1-9][0-9]{0,6})";
const FORMS = {
  store: new RegExp(`^(store-write-before|store-write-after):${NUMBER}$`),
  journal: new RegExp(`^(journal-write-before|journal-write-after):${NUMBER}$`),
  step: new RegExp(
    `^(journal-before|journal-after):(${STEPS.map((type) => type.replace(".", "\\.")).join("|")}):${NUMBER}$`,
  ),
};
type Form = keyof typeof FORMS;

/** The parts of LEGION_FAILPOINT where it has that form. Throws LEG6036 for one that has none. */
function failpointOf(env: NodeJS.ProcessEnv, form: Form): readonly string[] | undefined {
  const text = env.LEGION_FAILPOINT;
  if (text === undefined || text === "") return undefined;
  if (Object.values(FORMS).every((each) => !each.test(text))) {
    throw new LegionError({
      code: "LEG6036",
      message: `LEGION_FAILPOINT is "${text}", which names no failpoint`,
      hint: "unset it, or write a place and a number: store-write-before:1, journal-write-after:1, journal-before:call.result:1",
    });
  }
  return FORMS[form].exec(text)?.slice(1);
}

function die(): void {
  process.kill(process.pid, "SIGKILL");
}

/**
 * The store, which kills its own process before or after its n-th write when LEGION_FAILPOINT says so
 * (`store-write-before:3`): a test of crashes then meets a real kill -9 at a place of its choice. Without the variable
 * the store itself, so that nothing is paid for it.
 */
export function withFailpoints(store: Store, env: NodeJS.ProcessEnv): Store {
  const failpoint = failpointOf(env, "store");
  if (failpoint === undefined) return store;
  const [place, number] = failpoint;
  let writes = 0;
  const reach = (here: string) => {
    if (here === place && writes === Number(number)) die();
  };
  return {
    ...store,
    async write(changes, options) {
      writes += 1;
      reach("store-write-before");
      const result = await store.write(changes, options);
      reach("store-write-after");
      return result;
    },
  };
}

/**
 * Where the journal kills its own process: before or after its n-th record (`journal-write-after:3`), or the n-th of a
 * type (`journal-before:call.result:2`). Records count from the start of the process. Undefined without such a failpoint.
 */
export function journalFailpoint(env: NodeJS.ProcessEnv): JournalFailpoint | undefined {
  const [writePlace, writeNumber] = failpointOf(env, "journal") ?? [];
  const [stepPlace, stepType, stepNumber] = failpointOf(env, "step") ?? [];
  const place = writePlace ?? stepPlace;
  if (place === undefined) return undefined;
  const number = Number(writeNumber ?? stepNumber);
  let records = 0;
  const reach = (here: "before" | "after", type: StepType) => {
    const counts = stepType === undefined || stepType === type;
    if (here === "before" && counts) records += 1;
    if (counts && records === number && place.endsWith(here)) die();
  };
  return {
    before: (type) => reach("before", type),
    after: (type) => reach("after", type),
  };
}
