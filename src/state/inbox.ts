import type { JsonObject } from "../lib/json.ts";

/** A message as it is sent. */
export interface NewMessage {
  /** ULID. */
  readonly id: string;
  /** Of the agent: another agent of the same name is another uid. */
  readonly uid: string;
  readonly task: string;
  readonly from?: string;
}

/** A message that has no outcome yet. */
export interface InboxMessage extends NewMessage {
  /** ISO 8601, UTC: when it was kept. */
  readonly at: string;
  /** How often an answer was begun. More than once: the process died in between. */
  readonly attempts: number;
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
  readonly generation: number;
  readonly result: JsonObject;
}

/**
 * The messages of all agents, each of which ends with an outcome. A message is there from the moment its `put` resolves
 * until its `finish` has: a process that dies in between finds it again. Failures are LegionErrors with LEG60xx.
 */
export interface Inbox {
  /** Keeps a message, on disk when the promise resolves with how many of the agent have no outcome now. One that is known already, by its id, is not kept twice. LEG6040 for one that is too large, LEG6042 when the inbox of the agent is full. */
  put(message: NewMessage): Promise<number>;
  /** The one that was put first among those of an agent; undefined when there is none. */
  next(uid: string): Promise<InboxMessage | undefined>;
  /** Counts one more attempt; false when there is no such message. */
  begin(id: string): Promise<boolean>;
  /** Takes back the attempt of a message that was given up in good order. */
  release(id: string): Promise<void>;
  /** Removes a message and keeps its outcome; false when there is no such message. */
  finish(id: string, answer: Answer): Promise<boolean>;
  /** Removes all messages of an agent but one, gives each the outcome, and returns them, oldest first. */
  drop(
    uid: string,
    options: { readonly except?: string | undefined; answer(message: InboxMessage): Answer },
  ): Promise<readonly InboxMessage[]>;
  /** How many messages of each agent have no outcome; agents without any are left out. */
  counts(): Promise<ReadonlyMap<string, number>>;
  /** How many messages of one agent have no outcome. */
  count(uid: string): Promise<number>;
  /** What a message came to, for as long as it is kept. */
  outcome(id: string): Promise<MessageOutcome | undefined>;
}

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
