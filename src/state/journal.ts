import type { JsonObject } from "../lib/json.ts";

/** The steps of a run, in the order in which they can come. */
export type StepType =
  | "turn.started"
  | "model.response"
  | "eval.started"
  | "call.started"
  | "call.result"
  | "eval.result"
  | "turn.finished"
  /** After the end: what a rollback has undone. */
  | "call.reverted";

/** One step as it was recorded. */
export interface JournalStep {
  /** From 1, without gaps. */
  readonly seq: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly type: StepType;
  readonly data: JsonObject;
}

export interface NewRun {
  /** ULID. */
  readonly run: string;
  /** Of the agent; empty for one without a store. */
  readonly uid: string;
  /** `name`, or `namespace/name`. */
  readonly agent: string;
  readonly generation: number;
  readonly conversation: string;
  /** The message that the run answers. */
  readonly message?: string;
  /** The run that started this one. */
  readonly parent?: string;
  /** Known once in all: beginning a run with the key of another gives that one. */
  readonly key?: string;
}

/** running: not ended, in this process or the one before. quarantined: its record is damaged, and nothing goes on with it. */
export type RunStatus = "running" | "ok" | "cancel" | "quarantined" | "rolled-back";

export interface RunRecord extends NewRun {
  readonly status: RunStatus;
  /** Of a cancel its reason; of one in quarantine what is damaged. */
  readonly reason?: string;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly steps: number;
  /** Tokens of the run itself, input and output. */
  readonly tokens: number;
}

export interface RunQuery {
  readonly uid?: string;
  readonly agent?: string;
  readonly status?: RunStatus;
  readonly parent?: string;
  /** The newest so many; RUNS_PAGE unless told. */
  readonly limit?: number;
}

/** What a turn leaves in its conversation. */
export interface ConversationCommit {
  readonly uid: string;
  readonly name: string;
  /** Messages of this turn as JSON, oldest first. */
  readonly messages: readonly JsonObject[];
  /** The variables after the turn; undefined when there are none. */
  readonly snapshot?: string;
  /** The most messages that are kept for reading again. */
  readonly maxMessages: number;
}

/** How a run ends: its last step, its conversation and its message, in one transaction. */
export interface RunEnd {
  readonly data: JsonObject;
  readonly status: "ok" | "cancel";
  readonly reason?: string;
  readonly tokens: number;
  readonly conversation?: ConversationCommit;
  /** The message is answered with this. */
  readonly answer?: {
    readonly message: string;
    readonly generation: number;
    readonly result: object;
  };
}

export interface ConversationRecord {
  readonly uid: string;
  readonly name: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly turns: number;
  /** How many messages it has on record. */
  readonly messages: number;
}

/**
 * What runs have done, step by step. A step is on disk when its promise resolves; steps that are written in one tick of
 * the event loop go in one transaction. Each record has a checksum over its run, number, type and text. A newest record
 * that is torn is dropped, as if it had not been written, with a warning; any other damage puts the run in quarantine
 * (LEG6062) and leaves all others alone.
 */
export interface Journal {
  /** Keeps a run with its first step, turn.started. With a key that is known it keeps nothing and gives the run of that key, which may have ended or be in quarantine. A run that goes on counts an attempt of its message, in the same transaction. */
  begin(run: NewRun, started: JsonObject): Promise<RunRecord>;
  /** Keeps the next step and gives its number. LEG6061 for a run that is not running; call.reverted comes only after the end. */
  append(run: string, type: StepType, data: JsonObject): Promise<number>;
  /** Besides what it is told, it forgets the vault of the run and withdraws what the run still asks. */
  end(run: string, end: RunEnd): Promise<void>;
  /** Every step, checked. LEG6060 when there is no such run, LEG6062 when it is damaged. */
  steps(run: string): Promise<readonly JournalStep[]>;
  run(run: string): Promise<RunRecord | undefined>;
  runOfKey(key: string): Promise<RunRecord | undefined>;
  /** Newest first. */
  runs(query?: RunQuery): Promise<readonly RunRecord[]>;
  /** Runs that have no end, oldest first. */
  unfinished(): Promise<readonly RunRecord[]>;
  /** After a rollback. */
  rolledBack(run: string): Promise<void>;
  /** Keeps a value by the hash of its canonical JSON, once, and gives the hash. It stays for as long as a run uses it: has recorded a step at whose top the hash stands. */
  keepBlob(value: JsonObject): Promise<string>;
  /** LEG6063 when it is damaged, undefined when there is none. */
  blob(hash: string): Promise<JsonObject | undefined>;
  /** The newest messages, oldest first, with the variables; undefined for a conversation that has had no turn. LEG6064 when it is damaged. */
  conversation(
    uid: string,
    name: string,
    maxMessages: number,
  ): Promise<
    | {
        readonly messages: readonly JsonObject[];
        readonly snapshot?: string;
        readonly turns: number;
      }
    | undefined
  >;
  conversations(uid: string): Promise<readonly ConversationRecord[]>;
  forgetConversation(uid: string, name: string): Promise<boolean>;
  /** What the runs of an agent that have ended since a time, wall milliseconds, have spent; also of runs that are forgotten, for 35 days. */
  spent(uid: string, sinceMs: number): Promise<{ readonly tokens: number; readonly turns: number }>;
  /** Forgets runs that ended before a time, of each agent all but the newest so many that have ended, and what only they used. Returns how many. */
  prune(options: { readonly beforeMs: number; readonly keptPerAgent: number }): Promise<number>;
}

/** Runs in one answer of `runs`. */
export const RUNS_PAGE = 100;
/** JSON text of one step, bytes; more is LEG6065. */
export const STEP_BYTES_MAX = 64 * 1024 * 1024;
/** How long ended runs are kept, and how many of each agent at the most. */
export const RUNS_KEPT_MS = 7 * 24 * 60 * 60 * 1000;
export const RUNS_KEPT_PER_AGENT = 1_000;
