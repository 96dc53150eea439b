import type { Clock } from "../lib/clock.ts";
import {
  type Answer,
  type DeadLetter,
  type Inbox,
  type InboxMessage,
  MESSAGES_PER_AGENT_MAX,
  type MessageOutcome,
  type NewMessage,
  OUTCOME_KEPT_MS,
  OUTCOMES_KEPT,
} from "./inbox.ts";
import { checkSize, FRESH, inboxFull, isoTime, keep } from "./inbox-put.ts";
import { checkFence } from "./leases.ts";
import type { Fence } from "./store.ts";
import type { Tables } from "./tables.ts";
import type { TickRows } from "./tick-rows.ts";

export interface InboxOptions {
  readonly clock: Clock;
  /** Every write fails with a FencedError (LEG6022) once this is over. */
  readonly fence?: Fence;
}

/** An outcome with its result as JSON text. */
export interface OutcomeRow extends Omit<MessageOutcome, "at" | "result"> {
  readonly atMs: number;
  readonly result: string;
  readonly dedupeKey?: string;
}

export interface WaitingMessage extends InboxMessage {
  /** This delivery was begun: it goes first, so that what the process before was doing is ended before anything else. */
  readonly isBegun: boolean;
}

/** The first message of one sender in one lane: the next one of this sender that can be delivered. */
export interface LaneHead extends Pick<WaitingMessage, "id" | "notBeforeMs" | "isBegun"> {
  readonly conversation: string;
  /** Messages of the sender in the lane. */
  readonly waiting: number;
}

/** What a driver of the inbox has to do: keep rows in the order in which they came. Calls are synchronous. */
export interface InboxTables extends Pick<Tables, "atomically" | "lease"> {
  message(id: string): WaitingMessage | undefined;
  /** In the order in which they came; of one lane, or of all. */
  heads(uid: string, conversation?: string): LaneHead[];
  /** Oldest first. */
  messages(uid: string): WaitingMessage[];
  count(uid: string): number;
  counts(): Map<string, number>;
  /** The id of the message, dead letter or outcome of that id, else of the oldest one of its dedupe key. */
  known(message: Pick<NewMessage, "id" | "uid" | "dedupeKey">): string | undefined;
  countDuplicate(id: string): void;
  insert(message: WaitingMessage): void;
  /** Everything but its place. */
  update(message: WaitingMessage): void;
  /** With the data that only its tools may read. */
  remove(id: string): void;
  /** Newest first. */
  dead(uid?: string): DeadLetter[];
  /** Moves a message to the dead letters. */
  bury(message: WaitingMessage, cause: string, diedAtMs: number): void;
  /** Removes a dead letter; runs of its deliveries that have ended are not known by its key any more. */
  exhume(letter: DeadLetter): void;
  outcome(id: string): OutcomeRow | undefined;
  keepOutcome(row: OutcomeRow): void;
  /** Removes the outcomes from before that time, and all but so many of the newest. */
  pruneOutcomes(beforeMs: number, kept: number): void;
  /** Beside the messages; a driver without them keeps no message with a tick. */
  readonly ticks?: Pick<TickRows, "take" | "tick">;
}

/** The inbox contract over a driver's tables. What a call does is done when it returns. */
export function inboxOverTables(tables: InboxTables, { clock, fence }: InboxOptions): Inbox {
  const write = <T>(work: () => T): T =>
    tables.atomically(() => {
      if (fence !== undefined) checkFence(tables, fence);
      return work();
    });
  return {
    async put(message) {
      checkSize(message);
      return write(() => keep(tables, message, clock.now()));
    },
    async isKnown(message) {
      return tables.known(message) !== undefined;
    },
    async next(uid, conversation, nowMs) {
      const head = nextHead(tables.heads(uid, conversation), nowMs);
      const message = head && tables.message(head.id);
      return message && shown(message);
    },
    async lanes(uid) {
      return lanesOf(tables.heads(uid));
    },
    async begin(id) {
      return write(() => beginMessage(tables, id));
    },
    async release(id) {
      write(() => {
        const message = tables.message(id);
        if (message === undefined) return;
        tables.update({ ...message, attempts: Math.max(0, message.attempts - 1) });
      });
    },
    ...deadLettersOver(tables, write, clock),
    async finish(id, answer) {
      return write(() => finishMessage(tables, id, answer, clock.now()));
    },
    async drop(uid, { conversation, except = [], answer }) {
      return write(() => {
        const dropped = tables
          .messages(uid)
          .filter((one) => conversation === undefined || one.conversation === conversation)
          .filter(({ id }) => !except.includes(id));
        end(tables, dropped, (message) => answer(shown(message)), clock.now());
        return dropped.map(shown);
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
      const { atMs, result, dedupeKey: _, ...rest } = row;
      return { ...rest, at: isoTime(atMs), result: JSON.parse(result) };
    },
  };
}

/** Deliveries that fail. */
function deadLettersOver(
  tables: InboxTables,
  write: <T>(work: () => T) => T,
  clock: Clock,
): Pick<Inbox, "defer" | "bury" | "dead" | "redrive"> {
  return {
    async defer(id, { notBeforeMs, maxDeliveries, cause }) {
      return write(() => {
        const message = tables.message(id);
        if (message === undefined) return "gone";
        if (message.delivery >= maxDeliveries) {
          tables.bury(message, cause, clock.now());
          return "dead";
        }
        // Times are kept as whole milliseconds.
        const dueMs = Math.ceil(notBeforeMs);
        tables.update({
          ...{ ...message, ...FRESH },
          ...{ delivery: message.delivery + 1, notBeforeMs: dueMs },
        });
        return "deferred";
      });
    },
    async bury(id, cause) {
      return write(() => {
        const message = tables.message(id);
        if (message !== undefined) tables.bury(message, cause, clock.now());
        return message !== undefined;
      });
    },
    async dead(uid) {
      return tables.dead(uid);
    },
    async redrive(uid, ids) {
      return write(() => {
        const letters = tables.dead(uid).filter(({ id }) => ids?.includes(id) ?? true);
        const space = MESSAGES_PER_AGENT_MAX - tables.count(uid);
        if (letters.length > 0 && space <= 0) throw inboxFull();
        // The oldest first, in the order in which they were given up; those without space stay where they are.
        const back = letters.reverse().slice(0, space);
        for (const letter of back) {
          const { cause: _, diedAt: __, ...message } = letter;
          tables.exhume(letter);
          tables.insert({ ...message, ...FRESH, delivery: 1, notBeforeMs: 0 });
        }
        return back.length;
      });
    },
  };
}

/** Counts one more attempt, inside a transaction; false when there is no such message. */
export function beginMessage(tables: InboxTables, id: string): boolean {
  const message = tables.message(id);
  if (message === undefined) return false;
  tables.update({ ...message, attempts: message.attempts + 1, isBegun: true });
  return true;
}

/** Removes a message and keeps its outcome, inside a transaction; false when there is no such message. */
export function finishMessage(
  tables: InboxTables,
  id: string,
  answer: Answer,
  nowMs: number,
): boolean {
  const message = tables.message(id);
  if (message === undefined) return false;
  end(tables, [message], () => answer, nowMs);
  return true;
}

/** What was begun goes first, then whatever is due, in the order in which it came. */
function nextHead(heads: readonly LaneHead[], nowMs: number): LaneHead | undefined {
  return (
    heads.find(({ isBegun }) => isBegun) ?? heads.find(({ notBeforeMs }) => notBeforeMs <= nowMs)
  );
}

function lanesOf(heads: readonly LaneHead[]): Map<string, { waiting: number; dueMs: number }> {
  const lanes = new Map<string, { waiting: number; dueMs: number }>();
  for (const { conversation, waiting, notBeforeMs, isBegun } of heads) {
    const dueMs = isBegun ? 0 : notBeforeMs;
    const lane = lanes.get(conversation) ?? { waiting: 0, dueMs };
    lanes.set(conversation, {
      waiting: lane.waiting + waiting,
      dueMs: Math.min(lane.dueMs, dueMs),
    });
  }
  return lanes;
}

function shown({ isBegun: _, ...message }: WaitingMessage): InboxMessage {
  return message;
}

function end(
  tables: InboxTables,
  messages: readonly WaitingMessage[],
  answer: (message: WaitingMessage) => Answer,
  nowMs: number,
): void {
  // All of it is decided before the first row changes, so that a driver without roll-back stays whole too.
  const rows = messages.map((message): OutcomeRow => {
    const { generation, result } = answer(message);
    const { id, uid, attempts, duplicates, dedupeKey } = message;
    const text = JSON.stringify(result);
    const row = { message: id, uid, atMs: nowMs, attempts, duplicates, generation, result: text };
    return { ...row, ...(dedupeKey !== undefined && { dedupeKey }) };
  });
  for (const row of rows) {
    tables.remove(row.message);
    tables.keepOutcome(row);
  }
  tables.pruneOutcomes(nowMs - OUTCOME_KEPT_MS, OUTCOMES_KEPT);
}
