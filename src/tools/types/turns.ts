import { LegionError } from "../../lib/errors.ts";

/** Calls of one tool that wait for their turn. */
const WAITING_MAX = 100;

/** Runs work one after the other; restoring and evaluating must not be mixed up between calls. */
export function queue(tool: string): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return async (work) => {
    if (waiting >= WAITING_MAX) {
      throw new LegionError({
        code: "LEG4018",
        message: `${WAITING_MAX} calls of the tool "${tool}" are waiting already`,
        hint: "await calls as you go",
      });
    }
    waiting += 1;
    const turn = last.then(work);
    last = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      waiting -= 1;
    }
  };
}
