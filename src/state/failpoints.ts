import { LegionError } from "../lib/errors.ts";
import type { Store } from "./store.ts";

const FORM = /^(store-write-before|store-write-after):([1-9][0-9]{0,6})$/;

/**
 * The store, which kills its own process before or after its n-th write when LEGION_FAILPOINT says so
 * (`store-write-before:3`): a test of crashes then meets a real kill -9 at a place of its choice. Without the variable
 * the store itself, so that nothing is paid for it.
 */
export function withFailpoints(store: Store, env: NodeJS.ProcessEnv): Store {
  const text = env.LEGION_FAILPOINT;
  if (text === undefined || text === "") return store;
  const [, place, number] = FORM.exec(text) ?? [];
  if (place === undefined) {
    throw new LegionError({
      code: "LEG6036",
      message: `LEGION_FAILPOINT is "${text}", which names no failpoint`,
      hint: "unset it, or write store-write-before:1 or store-write-after:1",
    });
  }
  let writes = 0;
  const reach = (here: string) => {
    if (here === place && writes === Number(number)) process.kill(process.pid, "SIGKILL");
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
