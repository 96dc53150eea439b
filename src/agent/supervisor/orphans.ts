import { LegionError } from "../../lib/errors.ts";
import type { Inbox } from "../../state/inbox.ts";

/**
 * Ends the messages of agents that are not there any more: whoever was killed while it deleted an agent leaves them
 * behind. To be called at the start, before messages are taken. Returns how many they were.
 */
export async function dropOrphans(inbox: Inbox, lives: (uid: string) => boolean): Promise<number> {
  const error = new LegionError({
    code: "LEG2031",
    message: "the agent was deleted before it had answered",
    hint: "send the message to another agent",
  });
  const result = { status: "cancel", reason: "terminated", error: error.toJSON() };
  const uids = [...(await inbox.counts()).keys()].filter((uid) => !lives(uid));
  let dropped = 0;
  for (const uid of uids) {
    const messages = await inbox.drop(uid, { answer: () => ({ generation: 0, result }) });
    dropped += messages.length;
  }
  return dropped;
}
