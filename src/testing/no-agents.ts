import { LegionError } from "../lib/errors.ts";
import type { AgentsPlane } from "../reconcile/agents-contract.ts";
import type { WatchPlane } from "../reconcile/watch-contract.ts";

/** The agents half of a plane behind which no agents run. */
export const noAgents: AgentsPlane = {
  ...{ ask: refuse, tell: refuse, move: refuse, stopAll: refuse, scale: refuse },
  ...{ interrupt: refuse, conversations: refuse, messages: refuse, endConversation: refuse },
  ...{ deadLetters: refuse, redrive: refuse, runs: refuse, runDetail: refuse, cancelRun: refuse },
  ...{ resumeRun: refuse, rollbackRun: refuse, replayRun: refuse, questions: refuse },
  ...{ decide: refuse, graves: refuse, restore: refuse },
};

/** The half about watchers and crons of a plane behind which none run. */
export const noWatchers: WatchPlane = {
  ...{ explainTrigger: refuse, silences: refuse, silence: refuse, unsilence: refuse },
  ...{ cronTicks: refuse, triggerCron: refuse, resumeCron: refuse },
};

export async function refuse(): Promise<never> {
  throw new LegionError({
    code: "LEG8001",
    message: "nothing runs behind this server",
    hint: "start a whole daemon",
  });
}
