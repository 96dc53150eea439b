import type { AgentsPlane } from "../reconcile/agents-contract.ts";
import { ageText } from "./columns.ts";
import { askPlane, type Candidate, namespaceIn } from "./completion-objects.ts";
import type { CommandContext } from "./context.ts";
import { questionText } from "./questions-text.ts";
import { shortId } from "./short-id.ts";

/** How many of the newest runs a shell offers. */
const RUNS_OFFERED = 20;

export type AgentWord = "run" | "question" | "approval" | "conversation" | "grave";

export interface AgentWords {
  readonly before: readonly string[];
  readonly wanted: AgentWord;
  /** The agent that was typed, for its conversations. */
  readonly agent?: string;
}

/** Ids and names that only a daemon knows. Without one there are none. */
export function completeAgents(
  { before, wanted, agent = "" }: AgentWords,
  context: CommandContext,
): Promise<readonly Candidate[]> {
  const name = agent.replace(/^\w+\//, "");
  return askPlane(before, context, async ({ daemon }) => {
    if (daemon === undefined) return [];
    if (wanted !== "conversation") return offered[wanted](daemon);
    const key = { kind: "Agent", namespace: namespaceIn(before), name };
    const found = await daemon.conversations(key);
    return found.map((conversation) => ({ word: conversation.name }));
  });
}

const offered: Record<
  Exclude<AgentWord, "conversation">,
  (daemon: AgentsPlane) => Promise<readonly Candidate[]>
> = {
  async run(daemon) {
    const runs = await daemon.runs({ limit: RUNS_OFFERED });
    return runs.map(({ run, agent, status, startedAt }) => ({
      word: shortId(run),
      remark: `${agent}, ${status}, ${ageText(Date.now() - Date.parse(startedAt))} ago`,
    }));
  },
  question: (daemon) => questionsOf(daemon, "question"),
  approval: (daemon) => questionsOf(daemon, "approval"),
  grave: async (daemon) =>
    (await daemon.graves()).map(({ name, reason }) => ({ word: name, remark: reason })),
};

async function questionsOf(
  daemon: AgentsPlane,
  wanted: "question" | "approval",
): Promise<readonly Candidate[]> {
  const questions = await daemon.questions({});
  return questions
    .filter(({ type }) => type === wanted)
    .map((question) => ({ word: shortId(question.id), remark: questionText(question) }));
}
