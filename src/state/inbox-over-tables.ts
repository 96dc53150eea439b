import type { Clock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { byteLength } from "../lib/text.ts";
import {
  type Answer,
  type Inbox,
  type InboxMessage,
  MESSAGE_BYTES_MAX,
  MESSAGES_PER_AGENT_MAX,
  type MessageOutcome,
  type NewMessage,
  OUTCOME_KEPT_MS,
  OUTCOMES_KEPT,
} from "./inbox.ts";
import { checkFence } from "./leases.ts";
import type { Fence } from "./store.ts";
import type { Tables } from "./tables.ts";

export interface InboxOptions {
  readonly clock: Clock;
  /** Every write fails with a FencedError (LEG6022) once this is over. */
  readonly fence?: Fence;
}

/** An outcome with its result as JSON text. */
export interface OutcomeRow extends Omit<MessageOutcome, "at" | "result"> {
  readonly atMs: number;
  readonly result: string;
}

/** What a driver of the inbox has to do: keep rows in the order in which they came. Calls are synchronous. */
export interface InboxTables extends Pick<Tables, "atomically" | "lease"> {
  message(id: string): InboxMessage | undefined;
  oldest(uid: string): InboxMessage | undefined;
  /** Oldest first. */
  messages(uid: string): InboxMessage[];
  count(uid: string): number;
  counts(): Map<string, number>;
  insert(message: InboxMessage): void;
  setAttempts(id: string, attempts: number): void;
  remove(id: string): void;
  outcome(id: string): OutcomeRow | undefined;
  keepOutcome(row: OutcomeRow): void;
  /** Removes the outcomes from before that time, and all but so many of the newest. */
  pruneOutcomes(beforeMs: number, kept: number): void;
}

/** The inbox contract over a driver's tables. What a call does is done when it returns. */
export function inboxOverTables(tables: InboxTables, { clock, fence }: InboxOptions): Inbox {
  const write = <T>(work: () => T): T =>
    tables.atomically(() => {
      if (fence !== undefined) checkFence(tables, fence);
      return work();
    });
  const addAttempts = (id: string, more: number): boolean =>
    write(() => {
      const message = tables.message(id);
      if (message === undefined) return false;
      tables.setAttempts(id, Math.max(0, message.attempts + more));
      return true;
    });
  return {
    async put(message) {
      checkSize(message);
      return write(() => keep(tables, { ...message, at: isoTime(clock.now()), attempts: 0 }));
    },
    async next(uid) {
      return tables.oldest(uid);
    },
    async begin(id) {
      return addAttempts(id, 1);
    },
    async release(id) {
      addAttempts(id, -1);
    },
    async finish(id, answer) {
      return write(() => {
        const message = tables.message(id);
        if (message === undefined) return false;
        end(tables, [message], () => answer, clock.now());
        return true;
      });
    },
    async drop(uid, { except, answer }) {
      return write(() => {
        const dropped = tables.messages(uid).filter(({ id }) => id !== except);
        end(tables, dropped, answer, clock.now());
        return dropped;
      });
    },
    async counts() {
      return tables.counts();
    },
    async count(uid) {
      return tables.count(uid);
    },
    async outcome(id) {
      const row = tables.outcome(id);
      if (row === undefined) return undefined;
      const { atMs, result, ...rest } = row;
      return { ...rest, at: isoTime(atMs), result: JSON.parse(result) };
    },
  };
}

function keep(tables: InboxTables, message: InboxMessage): number {
  const { id, uid } = message;
  const isKnown = tables.message(id) !== undefined || tables.outcome(id) !== undefined;
  const before = tables.count(uid);
  if (isKnown) return before;
  if (before >= MESSAGES_PER_AGENT_MAX) throw inboxFull();
  tables.insert(message);
  return before + 1;
}

function end(
  tables: InboxTables,
  messages: readonly InboxMessage[],
  answer: (message: InboxMessage) => Answer,
  nowMs: number,
): void {
  // All of it is decided before the first row changes, so that a driver without roll-back stays whole too.
  const rows = messages.map((message): OutcomeRow => {
    const { generation, result } = answer(message);
    const { id, uid, attempts } = message;
    const text = JSON.stringify(result);
    return { message: id, uid, atMs: nowMs, attempts, generation, result: text };
  });
  for (const row of rows) {
    tables.remove(row.message);
    tables.keepOutcome(row);
  }
  tables.pruneOutcomes(nowMs - OUTCOME_KEPT_MS, OUTCOMES_KEPT);
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function checkSize({ task }: NewMessage): void {
  const bytes = byteLength(task);
  if (bytes <= MESSAGE_BYTES_MAX) return;
  throw new LegionError({
    code: "LEG6040",
    message: `the message takes ${bytes} bytes, more than ${MESSAGE_BYTES_MAX}`,
    hint: "write the data to a file that the agent can read, and name the file in the message",
  });
}

function inboxFull(): LegionError {
  return new LegionError({
    code: "LEG6042",
    message: `${MESSAGES_PER_AGENT_MAX} messages of the agent wait for an answer already`,
    hint: "wait until it has answered some of them, then send the message again",
  });
}
