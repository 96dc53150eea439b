import { noUsage } from "../../router/contract.ts";
import type { Journal, RunRecord } from "../../state/journal.ts";
import type { TurnResult } from "../contract.ts";
import { parentEnded } from "./errors.ts";

/**
 * Ends the runs of sub-agents on record whose parent has ended, as cancelled: a process that died between the two leaves
 * them behind, and nobody else goes on with them. Done when a daemon starts. Gives how many there were.
 */
export async function endOrphans(
  journal: Pick<Journal, "unfinished" | "run" | "end" | "forgetConversation">,
): Promise<number> {
  let ended = 0;
  // Parents before their children: what is an orphan by the end of its parent is one at once.
  for (const record of await journal.unfinished()) {
    if (record.parent === undefined) continue;
    const parent = await journal.run(record.parent);
    if (parent?.status === "running") continue;
    await journal.end(record.run, {
      data: { result: JSON.parse(JSON.stringify(orphaned(record, record.parent))) },
      status: "cancel",
      reason: "interrupted",
      tokens: 0,
    });
    if (record.conversation.startsWith("team/"))
      await journal.forgetConversation(record.uid, record.conversation);
    ended += 1;
  }
  return ended;
}

function orphaned({ agent, run }: RunRecord, parent: string): TurnResult {
  const figures = { iterations: 0, evaluations: 0, retries: 0, toolCalls: 0, durationMs: 0 };
  const error = parentEnded(agent, parent).toJSON();
  return {
    ...{ status: "cancel", reason: "interrupted", error, agent, run },
    ...{ model: "", usage: noUsage, ...figures },
  };
}
