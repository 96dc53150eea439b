import type { Inbox, InboxMessage } from "./inbox.ts";
import {
  type InboxOptions,
  type InboxTables,
  inboxOverTables,
  type OutcomeRow,
} from "./inbox-over-tables.ts";
import type { Tables } from "./tables.ts";

/** An inbox that is gone with the process: for one-shot runs, tests and simulations. Nobody else can own it, so it has no fence. */
export function openMemoryInbox({ clock }: Pick<InboxOptions, "clock">): Inbox {
  return inboxOverTables(memoryInboxTables({ lease: () => undefined }), { clock });
}

/** The rows of an inbox beside the leases of a store. */
export function memoryInboxTables({ lease }: Pick<Tables, "lease">): InboxTables {
  // Maps keep the order in which their entries came.
  const messages = new Map<string, InboxMessage>();
  const outcomes = new Map<string, OutcomeRow>();
  const ofAgent = (uid: string) => messages.values().filter((message) => message.uid === uid);
  return {
    // Work checks first and then applies, and applying cannot fail: nothing has to be undone.
    atomically: (work) => work(),
    lease,
    message: (id) => messages.get(id),
    oldest: (uid) => ofAgent(uid).next().value,
    messages: (uid) => [...ofAgent(uid)],
    count: (uid) => [...ofAgent(uid)].length,
    counts: () => {
      const counts = new Map<string, number>();
      for (const { uid } of messages.values()) counts.set(uid, (counts.get(uid) ?? 0) + 1);
      return counts;
    },
    insert: (message) => void messages.set(message.id, message),
    setAttempts: (id, attempts) => {
      const message = messages.get(id);
      if (message !== undefined) messages.set(id, { ...message, attempts });
    },
    remove: (id) => void messages.delete(id),
    outcome: (id) => outcomes.get(id),
    keepOutcome: (row) => void outcomes.set(row.message, row),
    pruneOutcomes: (beforeMs, kept) => {
      const surplus = outcomes.size - kept;
      for (const [index, { message, atMs }] of [...outcomes.values()].entries()) {
        if (index < surplus || atMs < beforeMs) outcomes.delete(message);
      }
    },
  };
}
