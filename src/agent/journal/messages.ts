import type { Message } from "../session.ts";

/** The messages of a conversation that are kept in memory, the newest. */
export interface MessageLog {
  readonly messages: readonly Message[];
  /** Of the turn that runs, all. */
  readonly added: readonly Message[];
  append(message: Message): void;
  begin(): void;
  /** Takes back what the turn has added. */
  abandon(): void;
}

/** Messages that are dropped at once, in parts of the most that are kept: the prompt begins the same for a while, so that providers' caches hit. */
const DROPPED_PART = 4;

/** A log of at most so many messages. */
export function createMessageLog(
  kept: readonly Message[] = [],
  maxMessages = Number.POSITIVE_INFINITY,
): MessageLog {
  const messages = [...kept];
  const added: Message[] = [];
  let before: readonly Message[] = [...messages];
  /** Where the task of the turn stands in `messages`. */
  let taskAt = messages.length;
  return {
    messages,
    added,
    append(message) {
      messages.push(message);
      added.push(message);
      if (messages.length <= maxMessages) return;
      const { start, count } = toDrop(messages, taskAt, maxMessages);
      messages.splice(start, count);
      taskAt = Math.max(0, taskAt - (start < taskAt ? count : 0));
    },
    begin() {
      before = [...messages];
      taskAt = messages.length;
      added.length = 0;
    },
    abandon() {
      messages.splice(0, messages.length, ...before);
      taskAt = messages.length;
      added.length = 0;
    },
  };
}

/**
 * Which messages go: those of earlier turns first, up to where somebody said something; then the oldest of this turn but for
 * its task, up to where the model said something. So no result is left without its call.
 */
export function toDrop(
  messages: readonly Message[],
  taskAt: number,
  maxMessages: number,
): { readonly start: number; readonly count: number } {
  const wanted = messages.length - maxMessages + Math.floor(maxMessages / DROPPED_PART);
  if (taskAt > 0) {
    const next = messages.findIndex(({ type }, index) => index >= wanted && type === "user");
    return { start: 0, count: next === -1 || next > taskAt ? taskAt : next };
  }
  const next = messages.findIndex(
    ({ type }, index) => index > wanted && (type === "assistant" || type === "user"),
  );
  // A turn whose last messages are all results keeps what belongs to the last call.
  const end = next === -1 ? messages.findLastIndex(({ type }) => type === "assistant") : next;
  return { start: 1, count: Math.max(0, end - 1) };
}
