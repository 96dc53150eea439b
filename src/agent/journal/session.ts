import type { Journal } from "../../state/journal.ts";
import { createSession, type Message, type Session } from "../session.ts";

/** A conversation of an agent as the journal has it; a new one where it has none. LEG6064 when it is damaged. */
export async function sessionFrom(
  journal: Pick<Journal, "conversation">,
  uid: string,
  conversation: string,
  maxMessages: number,
): Promise<Session> {
  const kept = await journal.conversation(uid, conversation, maxMessages);
  return createSession({
    maxMessages,
    ...(kept !== undefined && { messages: kept.messages as unknown as readonly Message[] }),
    ...(kept?.snapshot !== undefined && { snapshot: kept.snapshot }),
  });
}
