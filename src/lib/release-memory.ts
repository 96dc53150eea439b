import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Gives back to the system what a burst of work left behind. V8 keeps a heap that has grown as it is until there is much more
 * work, which a program that waits from then on may never have. Takes about a second for each GiB that stays in use.
 */
export async function releaseMemory(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect: NodeJS.GCFunction = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  await collect({ execution: "async", type: "major", flavor: "last-resort" });
}
