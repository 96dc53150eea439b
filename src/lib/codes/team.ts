import type { CodePage } from "../codes.ts";

/** LEG209x: sub-agents and budgets. */
export const teamCodes = {
  LEG2090: {
    title: "not one of the agent's own agents",
    why: "An agent gave work to another one that its spec.agents does not list, or that is not there any more.",
    fix: "Use a name of spec.agents, or add the agent to it.",
    example: { wrong: "agents: []", right: "agents: [researcher, writer]" },
  },
  LEG2091: {
    title: "too many levels of agents",
    why: "A sub-agent would have been further below an agent than its spec.team.maxDepth allows. The limits of all agents above count.",
    fix: "Let the agent do the work itself, or raise spec.team.maxDepth of the agent that the message names.",
    example: { wrong: "team: { maxDepth: 1 }", right: "team: { maxDepth: 3 }" },
  },
  LEG2092: {
    title: "too many runs of sub-agents",
    why: "One turn has started as many runs of sub-agents, of all levels together, as spec.team.maxRuns of an agent in it allows.",
    fix: "Give each sub-agent more of the work at once, or raise spec.team.maxRuns of the agent that the message names.",
  },
  LEG2093: {
    title: "stopped with its siblings",
    why: "The sub-agent was one of several that worked in parallel. Another one of them was cancelled, or whoever waited for them stopped them.",
    fix: "Look at the cancel that the parallel call gave: it is the cause.",
  },
  LEG2094: {
    title: "stopped with its parent",
    why: "The turn that had started the sub-agent ended, and with it end all agents that it has started, the last one first.",
    fix: "Nothing is left to do for the sub-agent. When its work was needed, let the parent wait for it with call or tell.",
  },
  LEG2095: {
    title: "no such started agent",
    why: "The id is not one that agents.start gave in this turn, or the agent of that id was stopped.",
    fix: "Use an id that agents.start gave; started agents live as long as the turn that started them.",
  },
  LEG2096: {
    title: "the budget is spent",
    why: "A limit of spec.budget was reached: of the run, of the turn with all agents below it, or of the agent in a time.",
    fix: "Give the agent less to do, or raise the limit that the message names.",
    example: {
      wrong: "budget: { run: { tokens: 100 } }",
      right: "budget: { run: { tokens: 200000 } }",
    },
  },
  LEG2097: {
    title: "too many turns in the time",
    why: "More turns of the agent would have begun within the time of spec.rateLimit than it allows.",
    fix: "Wait until earlier turns are that long ago, or raise spec.rateLimit.turns.",
    example: {
      wrong: "rateLimit: { turns: 1, per: 1h }",
      right: "rateLimit: { turns: 60, per: 1h }",
    },
  },
  LEG2098: {
    title: "the sub-agent was stopped",
    why: "The parent ended the sub-agent with agents.stop before it had finished, or no longer waited for it.",
    fix: "Start it again when its work is needed after all; await every call before the code ends.",
  },
  LEG2099: {
    title: "too many messages wait for a sub-agent",
    why: "At most 100 messages may wait for one started agent, and this one would be one more. It was not kept.",
    fix: "Wait for answers with tell, or start more agents and share the work among them.",
  },
} as const satisfies Record<string, CodePage>;
