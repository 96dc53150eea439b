import { LegionError } from "../lib/errors.ts";
import type { AgentsPlane } from "../reconcile/agents-contract.ts";

/** The agents half of a plane behind which no agents run. */
export const noAgents: AgentsPlane = {
  ...{ ask: refuse, tell: refuse, move: refuse, stopAll: refuse, scale: refuse },
  ...{ interrupt: refuse, conversations: refuse, messages: refuse, endConversation: refuse },
  ...{ deadLetters: refuse, redrive: refuse, runs: refuse, runDetail: refuse, cancelRun: refuse },
  ...{ resumeRun: refuse, rollbackRun: refuse, replayRun: refuse, questions: refuse },
  ...{ decide: refuse, graves: refuse, restore: refuse },
};

export async function refuse(): Promise<never> {
  throw new LegionError({
    code: "LEG8001",
    message: "nothing runs behind this server",
    hint: "start a whole daemon",
  });
}
