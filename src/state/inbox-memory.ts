import type { DeadLetter, Inbox } from "./inbox.ts";
import {
  type InboxOptions,
  type InboxTables,
  inboxOverTables,
  type LaneHead,
  type OutcomeRow,
  type WaitingMessage,
} from "./inbox-over-tables.ts";
import type { Tables } from "./tables.ts";

/** An inbox that is gone with the process: for one-shot runs, tests and simulations. Nobody else can own it, so it has no fence. */
export function openMemoryInbox({ clock }: Pick<InboxOptions, "clock">): Inbox {
  return inboxOverTables(memoryInboxTables({ lease: () => undefined }), { clock });
}

/** The rows of an inbox beside the leases of a store. */
export function memoryInboxTables({ lease }: Pick<Tables, "lease">): InboxTables {
  // Maps keep the order in which their entries came.
  const messages = new Map<string, WaitingMessage>();
  const dead = new Map<string, DeadLetter>();
  const outcomes = new Map<string, OutcomeRow>();
  const ofAgent = (uid: string) => messages.values().filter((message) => message.uid === uid);
  return {
    // Work checks first and then applies, and applying cannot fail: nothing has to be undone.
    atomically: (work) => work(),
    lease,
    message: (id) => messages.get(id),
    heads: (uid, conversation) => headsOf(ofAgent(uid), conversation),
    messages: (uid) => [...ofAgent(uid)],
    count: (uid) => [...ofAgent(uid)].length,
    counts: () => {
      const counts = new Map<string, number>();
      for (const { uid } of messages.values()) counts.set(uid, (counts.get(uid) ?? 0) + 1);
      return counts;
    },
    known: ({ id, uid, dedupeKey }) => {
      const isSame = (other: { uid: string; dedupeKey?: string }) =>
        dedupeKey !== undefined && other.uid === uid && other.dedupeKey === dedupeKey;
      const lists = [messages, dead, outcomes];
      if (lists.some((list) => list.has(id))) return id;
      const all = [...messages.values(), ...dead.values()];
      const outcome = outcomes.values().find(isSame);
      return all.find(isSame)?.id ?? outcome?.message;
    },
    countDuplicate: (id) => {
      for (const list of [messages, dead, outcomes] as Map<string, { duplicates: number }>[]) {
        const row = list.get(id);
        if (row !== undefined) list.set(id, { ...row, duplicates: row.duplicates + 1 });
      }
    },
    insert: (message) => void messages.set(message.id, message),
    update: (message) => {
      if (messages.has(message.id)) messages.set(message.id, message);
    },
    remove: (id) => void messages.delete(id),
    dead: (uid) =>
      [...dead.values()].filter((letter) => uid === undefined || letter.uid === uid).reverse(),
    bury: ({ isBegun: _, ...message }, cause, diedAtMs) => {
      messages.delete(message.id);
      const diedAt = new Date(diedAtMs).toISOString();
      dead.set(message.id, { ...message, notBeforeMs: 0, cause, diedAt });
    },
    exhume: (letter) => void dead.delete(letter.id),
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

function headsOf(messages: Iterable<WaitingMessage>, conversation: string | undefined): LaneHead[] {
  const heads = new Map<string, LaneHead>();
  for (const message of messages) {
    if (conversation !== undefined && message.conversation !== conversation) continue;
    const { id, from, notBeforeMs, isBegun } = message;
    const key = JSON.stringify([message.conversation, from]);
    const head = heads.get(key);
    const first = { conversation: message.conversation, id, notBeforeMs, isBegun, waiting: 0 };
    heads.set(key, { ...(head ?? first), waiting: (head?.waiting ?? 0) + 1 });
  }
  return [...heads.values()];
}
