import type { JsonObject } from "../lib/json.ts";
import type { TickClaim } from "./ticks.ts";

/** A message as it is sent. */
export interface NewMessage {
  /** ULID. */
  readonly id: string;
  /** Of the agent: another agent of the same name is another uid. */
  readonly uid: string;
  readonly task: string;
  readonly from?: string;
  /** The lane it waits in; `main` unless told. */
  readonly conversation?: string;
  readonly dedupeKey?: string;
  readonly trigger?: "heartbeat" | "cron" | "watcher";
  /** The moment of a cron that is taken in the transaction that keeps the message; it is not kept with it. */
  readonly tick?: TickClaim;
}

/** A message that has no outcome yet. */
export interface InboxMessage extends Omit<NewMessage, "tick"> {
  /** ISO 8601, UTC: when it was kept. */
  readonly at: string;
  /** How often an answer was begun. More than once: the process died in between. */
  readonly attempts: number;
  readonly conversation: string;
  /** From 1; one more each time that it is deferred. */
  readonly delivery: number;
  /** Wall time, milliseconds: it is not delivered before. 0 for at once. */
  readonly notBeforeMs: number;
  /** How often it came again under its key. */
  readonly duplicates: number;
}

/** A message that was given up: it waits until somebody puts it back. */
export interface DeadLetter extends InboxMessage {
  readonly cause: string;
  /** ISO 8601, UTC: when it was given up. */
  readonly diedAt: string;
}

/** Where a message was put. */
export interface Put {
  /** How many of the agent have no outcome now. */
  readonly queued: number;
  /** Of the first message under its key, where it is a duplicate. */
  readonly duplicateOf?: string;
  /** Its tick was taken already, by another message or process: nothing is kept. */
  readonly isTaken?: true;
}

/** What a message came to. */
export interface Answer {
  /** The generation of the agent that answered. */
  readonly generation: number;
  /** JSON: how the turn ended. */
  readonly result: object;
}

export interface MessageOutcome {
  readonly message: string;
  readonly uid: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly attempts: number;
  /** How often the message came again under its key before its end, and since. */
  readonly duplicates: number;
  readonly generation: number;
  readonly result: JsonObject;
}

/**
 * The messages of all agents, each of which ends with an outcome. A message is there from the moment its `put` resolves
 * until its `finish` has: a process that dies in between finds it again. Failures are LegionErrors with LEG60xx.
 */
export interface Inbox {
  /** Keeps a message, on disk when the promise resolves. One that is known already, by its id or its dedupe key, is not kept twice, also after it was answered, for as long as its outcome is kept. LEG6040 for one that is too large, LEG6042 when the inbox of the agent is full. */
  put(message: NewMessage): Promise<Put>;
  /** Whether `put` would find that the message is known already. */
  isKnown(message: Pick<NewMessage, "id" | "uid" | "dedupeKey">): Promise<boolean>;
  /** The first message of a lane of an agent; undefined when there is none. A deferred one holds back those after it of the same sender only. One that was begun goes first: the process that began it has died or was ended. */
  next(uid: string, conversation: string, nowMs: number): Promise<InboxMessage | undefined>;
  /** Lanes in which messages wait, with when the first may be delivered, wall milliseconds. */
  lanes(
    uid: string,
  ): Promise<ReadonlyMap<string, { readonly waiting: number; readonly dueMs: number }>>;
  /** Counts one more attempt; false when there is no such message. */
  begin(id: string): Promise<boolean>;
  /** Takes back the attempt of a message that was given up in good order. */
  release(id: string): Promise<void>;
  /** A delivery that failed: it is delivered again then, as the next delivery. After `maxDeliveries` it becomes a dead letter. */
  defer(
    id: string,
    options: {
      readonly notBeforeMs: number;
      readonly maxDeliveries: number;
      readonly cause: string;
    },
  ): Promise<"deferred" | "dead" | "gone">;
  /** Makes it a dead letter now. */
  bury(id: string, cause: string): Promise<boolean>;
  /** Newest first. */
  dead(uid?: string): Promise<readonly DeadLetter[]>;
  /** Puts dead letters back at the end of their lanes, as delivery 1; all of an agent without ids. Gives how many: those for which the inbox has no space stay, and LEG6042 says that there is none at all. */
  redrive(uid: string, ids?: readonly string[]): Promise<number>;
  /** Removes a message and keeps its outcome; false when there is no such message. */
  finish(id: string, answer: Answer): Promise<boolean>;
  /** Removes all messages of an agent (or of one lane) but some, gives each the outcome, and returns them, oldest first. */
  drop(
    uid: string,
    options: {
      readonly conversation?: string;
      readonly except?: readonly string[];
      answer(message: InboxMessage): Answer;
    },
  ): Promise<readonly InboxMessage[]>;
  /** How many messages of each agent have no outcome; agents without any are left out. */
  counts(): Promise<ReadonlyMap<string, number>>;
  /** How many messages of one agent have no outcome. */
  count(uid: string): Promise<number>;
  /** What a message came to, for as long as it is kept. */
  outcome(id: string): Promise<MessageOutcome | undefined>;
}

/** The conversation of a message that names none. */
export const MAIN_LANE = "main";
/** Attempts after which a message is not tried again. */
export const MESSAGE_ATTEMPTS_MAX = 5;
/** UTF-8 bytes of the task of one message. */
export const MESSAGE_BYTES_MAX = 1024 * 1024;
/** Messages of one agent without an outcome. */
export const MESSAGES_PER_AGENT_MAX = 1_000;
/** Outcomes that are kept, of all agents together. */
export const OUTCOMES_KEPT = 1_000;
/** How long an outcome is kept. */
export const OUTCOME_KEPT_MS = 24 * 60 * 60 * 1000;
