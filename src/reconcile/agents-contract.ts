import type { Why } from "../agent/supervision.ts";
import type { Json, JsonObject } from "../lib/json.ts";
import type { DeadLetter } from "../state/inbox.ts";
import type { ConversationRecord, JournalStep, RunQuery, RunRecord } from "../state/journal.ts";
import type { Grave, LifecycleState } from "../state/lifecycles.ts";
import type { Question, QuestionState } from "../state/questions.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { ApiObject } from "./contract.ts";

/** A message for an agent. */
export interface AgentMessage {
  readonly namespace: string;
  readonly name: string;
  readonly task: string;
  /** A ULID that the sender made, so that it knows the events of its turn; sent twice, it is one message. */
  readonly id?: string;
  /** Who sends it; for the record. */
  readonly from?: string;
  /** Which conversation; where it is left out, the one of the replica that the routing picks. */
  readonly conversation?: string;
  readonly dedupeKey?: string;
  /** Data for tools only: it reaches no model, no prompt, no log and no journal. */
  readonly vault?: JsonObject;
}

/** One message of a conversation, as the model reads it. */
export interface ConversationMessage {
  readonly type: string;
  readonly at: string;
  readonly text: string;
}

/** What a rollback did, newest call first. */
export interface RollbackReport {
  readonly run: string;
  readonly calls: readonly {
    readonly name: string;
    /** reverted: its revert was called. skipped: it has none, or had failed. failed: the revert did; the ones before it were not touched. */
    readonly outcome: "reverted" | "already" | "skipped" | "failed";
    readonly message?: string;
  }[];
}

/** How a run that was done again from its record differs from it. */
export interface ReplayReport {
  readonly run: string;
  /** Steps that were compared. */
  readonly steps: number;
  readonly isSame: boolean;
  /** The first ones. */
  readonly differences: readonly {
    readonly seq: number;
    readonly type: string;
    readonly message: string;
    readonly recorded?: string;
    readonly replayed?: string;
  }[];
}

/** A run with its steps. */
export interface RunDetail {
  readonly run: RunRecord;
  readonly steps: readonly JournalStep[];
  readonly children: readonly RunRecord[];
}

/** How one message ended, with the turn that answered it. */
export interface MessageOutcome {
  readonly message: string;
  /** The generation of the agent that the turn began with. */
  readonly generation: number;
  /** The TurnResult of the agent's turn. */
  readonly result: JsonObject & { readonly status: "ok" | "cancel" };
}

/** What can be done with agents that run, and with what they have done. */
export interface AgentsPlane {
  /** Puts a message into the inbox of an agent and waits for its answer. Aborting stops the waiting, not the turn. */
  ask(message: AgentMessage, signal: AbortSignal): Promise<MessageOutcome>;
  /** Puts a message into the inbox; on disk when the promise resolves. */
  tell(message: AgentMessage): Promise<{ readonly message: string; readonly queued: number }>;
  /** Moves an agent to another state; LEG2070 for an edge that there is none of. */
  move(key: ResourceKey, to: LifecycleState, why: Why): Promise<ApiObject>;
  /** The kill switch: every turn is cancelled, every agent stopped. */
  stopAll(why: Why): Promise<{ readonly stopped: number }>;
  /** Sets spec.replicas. */
  scale(key: ResourceKey, replicas: number, manager: string): Promise<ApiObject>;
  /** Cancels the turns that run, of one conversation or of all; the agent goes on. */
  interrupt(key: ResourceKey, conversation?: string): Promise<{ readonly interrupted: number }>;
  conversations(key: ResourceKey): Promise<readonly ConversationRecord[]>;
  /** Oldest first. */
  messages(
    key: ResourceKey,
    conversation: string,
    limit?: number,
  ): Promise<readonly ConversationMessage[]>;
  /** Ends a conversation for good. */
  endConversation(key: ResourceKey, conversation: string): Promise<{ readonly ended: boolean }>;
  deadLetters(key?: ResourceKey): Promise<readonly DeadLetter[]>;
  redrive(key: ResourceKey, ids?: readonly string[]): Promise<{ readonly redriven: number }>;
  /** Newest first. */
  runs(query: RunQuery): Promise<readonly RunRecord[]>;
  /** LEG6060 for one that there is none of; the beginning or end of an id will do where it is the only one. */
  runDetail(run: string): Promise<RunDetail>;
  cancelRun(run: string): Promise<{ readonly cancelled: boolean }>;
  /** Delivers the message of a run that ended without an answer again, or says why not. */
  resumeRun(run: string): Promise<{ readonly run: string; readonly message: string }>;
  rollbackRun(run: string): Promise<RollbackReport>;
  replayRun(run: string): Promise<ReplayReport>;
  questions(query: {
    readonly state?: QuestionState | "all";
    readonly agent?: string;
  }): Promise<readonly Question[]>;
  /** Answers a question (`answer`), or decides an approval (`approve`, `deny`). LEG6070, LEG6071, LEG2064 for an answer that the question does not allow. */
  decide(
    id: string,
    decision:
      | { readonly type: "answer"; readonly answer: Json; readonly by: string }
      | { readonly type: "approve"; readonly by: string }
      | { readonly type: "deny"; readonly by: string; readonly reason?: string },
  ): Promise<Question>;
  graves(): Promise<readonly Grave[]>;
  /** Applies the manifest of a grave again, by uid or `namespace/name`, with its conversations. */
  restore(grave: string, manager: string): Promise<ApiObject>;
}
