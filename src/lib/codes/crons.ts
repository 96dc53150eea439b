import type { CodePage } from "../codes.ts";

/** LEG278x: crons that run. */
export const cronCodes = {
  LEG2780: {
    title: "no such cron",
    why: "No cron of that name runs in the namespace: it was deleted, its manifest was rejected, or the name is misspelt.",
    fix: "Run `legion get crons` for those that there are.",
    example: {
      wrong: "legion cron trigger nightly-sumary",
      right: "legion cron trigger nightly-summary",
    },
  },
  LEG2781: {
    title: "the cron was deleted",
    why: "The Cron object was deleted while a run of it went on, and the run was cancelled with it.",
    fix: "Nothing is to be done. To have the run again, send the task with `legion tell`.",
  },
  LEG2782: {
    title: "crons are shutting down",
    why: "The process ends and starts nothing any more. What runs, and what waits, goes on with the next start.",
    fix: "Repeat the command when the daemon runs again.",
  },
  LEG2783: {
    title: "a later moment of the cron took the place of this run",
    why: "The next moment came while the run went on, and spec.overlap of the cron is cancelOther or terminateOther.",
    fix: "To keep the earlier run, set spec.overlap to skip, bufferOne, bufferAll or allowAll, or make moments rarer.",
  },
  LEG2784: {
    title: "the cron cannot be run as it is written",
    why: "The schedule, its time zone or a hole of the task is not understood. Such a manifest is refused at apply; this one was kept by another version of Legion, or the time zones of this machine are others.",
    fix: "Run `legion validate` for the place, mend the manifest and apply it.",
  },
  LEG2790: {
    title: "the answer to the message of a cron is not on record any more",
    why: "The process ended between the answer of the agent and the note of the cron, and answers are kept for a day.",
    fix: "Look with `legion runs list` what the agent did; the run is not repeated.",
  },
  LEG2791: {
    title: "the agent has too many sessions for the task of a cron",
    why: "The agent has as many sessions as spec.maxConcurrentSessions allows, and its spec.overflow drops what comes then.",
    fix: "Raise spec.maxConcurrentSessions of the agent, or set spec.overflow to coalesce or queue(n).",
  },
  LEG2792: {
    title: "nobody knows whether the tool of a cron was called",
    why: "The process ended while the call was under way, and its function is not idempotent, so that it is not called a second time.",
    fix: "Look whether it was done, and run `legion cron trigger` if not. Set idempotent: true for a function that may be called again with the same idempotency key.",
  },
  LEG2793: {
    title: "the task of a cron is just IDLE",
    why: "A message that is just IDLE asks an agent for nothing, so that agents which answer each other come to rest. A cron whose task is that word does nothing.",
    fix: "Write a task for the agent, or suspend the cron.",
  },
  LEG2794: {
    title: "the cron was given to a tool while an agent had its task",
    why: "The process ended while the agent worked on the task of a moment, and when the next one began, the Cron named a tool in place of the agent. The agent goes on with its task; calling the tool as well would do the moment twice.",
    fix: "Look with `legion runs list` what the agent did, and run `legion cron trigger` to have the tool called now.",
  },
} as const satisfies Record<string, CodePage>;
