import type { ToolCall } from "../router/contract.ts";
import type {
  GuestSurface,
  Sandbox,
  SandboxLimits,
  SandboxPool,
  Snapshot,
} from "../sandbox/contract.ts";
import { createMessageLog } from "./journal/messages.ts";
import { createRecall, type Recall } from "./recall.ts";
import { holdSandbox } from "./session-sandbox.ts";

/** One entry of a conversation. The system prompt is made anew for each turn and is never among them. */
export interface Message {
  readonly type: "user" | "assistant" | "eval_result" | "error" | "tool_result";
  /** ISO 8601, wall time. */
  readonly at: string;
  /** What the model reads, already cut to `maxMessageLength`. */
  readonly text: string;
  /** Of an assistant message in mode tools: what the model called. */
  readonly toolCalls?: readonly ToolCall[];
  /** Of a tool result: which call it answers. */
  readonly toolCallId?: string;
}

/** What a conversation keeps between its turns. Its sandbox is opened when it is first asked for and stays open until `close`. */
export interface Session {
  /** The newest, oldest first. The turn that runs always has its task among them, and calls are never without their results. */
  readonly messages: readonly Message[];
  /** What the turn has added since its begin, also what is not kept in `messages` any more. */
  readonly added: readonly Message[];
  /** The variables after the last evaluation that succeeded; undefined when there are none. */
  readonly snapshot: Snapshot | undefined;
  /** The whole texts of messages that were cut. */
  readonly recall: Recall;
  append(message: Message): void;
  /** Begins a turn. */
  begin(): void;
  /** Forgets the turn that runs: messages and variables are those from before it. */
  abandon(): void;
  /** The sandbox for these limits and names, with the variables in it; another one when they have changed. */
  sandbox(needs: SandboxNeeds): Promise<Sandbox>;
  /** Says which variables the sandbox holds now. */
  keep(snapshot: Snapshot): void;
  /** Other variables than those that the sandbox holds; it gets them when it is asked for. */
  replace(snapshot: Snapshot | undefined): void;
  /** Runs turns one after the other. */
  exclusive<T>(turn: () => Promise<T>): Promise<T>;
  /** Gives the sandbox back. The conversation and its variables stay: a turn that needs a sandbox opens another one. */
  close(): Promise<void>;
}

export interface SandboxNeeds {
  readonly pool: () => Promise<SandboxPool>;
  readonly limits: SandboxLimits;
  readonly surface: GuestSurface;
  /** Whether the variables that there are go first. */
  readonly isFresh: boolean;
}

/** What is kept of a conversation, and how much of it is to be. */
export interface KeptSession {
  readonly messages?: readonly Message[];
  readonly snapshot?: Snapshot;
  /** The most messages that the model reads again; no bound unless told. */
  readonly maxMessages?: number;
}

/** A new conversation, or one that goes on from what was kept of it. */
export function createSession(kept: KeptSession = {}): Session {
  const log = createMessageLog(kept.messages, kept.maxMessages);
  const held = holdSandbox(kept.snapshot);
  let before = kept.snapshot;
  let lastTurn: Promise<unknown> = Promise.resolve();
  return {
    messages: log.messages,
    added: log.added,
    get snapshot() {
      return held.snapshot;
    },
    recall: createRecall(),
    append: log.append,
    begin() {
      log.begin();
      before = held.snapshot;
    },
    abandon() {
      log.abandon();
      held.replace(before);
    },
    sandbox: held.get,
    keep: held.keep,
    replace: held.replace,
    exclusive(turn) {
      const result = lastTurn.then(turn);
      lastTurn = result.catch(() => {});
      return result;
    },
    close: held.close,
  };
}
