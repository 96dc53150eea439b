import type { CodePage } from "../codes.ts";

/** LEG210x: resumed runs, replays, rollbacks, approvals of calls. */
export const durableCodes = {
  LEG2100: {
    title: "the run does something else than its record",
    why: "After a restart a run goes on from its record: the same answers, the same code, the same replies. This one did something else at a recorded step, so that nobody can say where it stands. It was ended, and nothing was done twice.",
    fix: "Look at `legion runs show RUN`: it tells which calls were made. Then send the task again, or undo it with `legion runs rollback RUN`.",
  },
  LEG2101: {
    title: "nobody knows whether the call was done",
    why: "Legion stopped while the call ran, and there is no reply on record. Its function is not declared idempotent, and no person approved to make it again.",
    fix: "Look whether it was done. Declare the function `idempotent: true` when it does its work once for each idempotency key, however often it is called.",
    example: { wrong: "idempotent: false", right: "idempotent: true" },
  },
  LEG2102: {
    title: "there is nobody to approve the call",
    why: "The function needs the approval of a person, by its tool or by spec.approvals of the agent, and this run has nobody to ask.",
    fix: "Run the agent in a daemon (`legion up`), where people decide with `legion approve`; or take the function out of spec.approvals.",
  },
  LEG2103: {
    title: "a tool may not call a function that needs approval",
    why: "Approvals are for calls that an agent makes. A js tool has this function among its capabilities, where no person would be asked.",
    fix: "Let the agent call the function itself: list its tool in spec.tools of the agent.",
  },
  LEG2104: {
    title: "the rollback stopped",
    why: "A call of the run may have been done although there is no reply on record, or the function that undoes a call failed. The calls before it were not touched.",
    fix: "Put right by hand what the message names, then run `legion runs rollback RUN` again: what was undone already is not undone twice.",
  },
  LEG2105: {
    title: "the run has not ended",
    why: "A run can be undone or done again from its record when it has ended.",
    fix: "Wait for its end, or end it with `legion runs cancel RUN`.",
  },
  LEG2107: {
    title: "nothing is done in a replay",
    why: "A replay takes answers and replies from the record. Here the record has none: it ends, or the code went another way.",
    fix: "Look at the differences that the replay tells.",
  },
  LEG2106: {
    title: "the manifest of the run is gone",
    why: "The journal does not hold the manifest that the run began with, so that nobody knows which tools its calls went to.",
    fix: "Undo by hand what `legion runs show RUN` lists.",
  },
} as const satisfies Record<string, CodePage>;
