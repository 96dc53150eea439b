import type { ErrorData } from "../lib/errors.ts";
import type { Json } from "../lib/json.ts";

/** Tokens and where they went, as the router counts them. */
export interface UsageData {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** The data of each kind of event. A stop has the duration in milliseconds; a start is dated by `at`. */
export interface EventData {
  "legion.agent.started": {
    readonly task: string;
    /** The generation of the agent's spec that the turn keeps to its end; absent where objects have none. */
    readonly generation?: number;
    /** The id of the message that the turn answers; absent for one-shot runs. */
    readonly message?: string;
    /** There from the second time on that the message is answered: the process died in the turn before. */
    readonly attempt?: number;
    /** The run of the agent that gave this one its task. */
    readonly parent?: string;
  };
  "legion.agent.stopped": {
    readonly status: "ok" | "cancel";
    readonly reason?: string;
    readonly iterations: number;
    readonly durationMs: number;
    readonly message?: string;
    /** The answer; the beginning of its JSON as text when that is long. */
    readonly value?: Json;
    readonly isValueCut?: true;
    /** Why there is no answer. */
    readonly error?: ErrorData;
  };
  /** A message was added to the conversation; the text is what the model reads or wrote. */
  "legion.agent.message.added": {
    readonly type: "user" | "assistant" | "eval_result" | "error" | "tool_result";
    readonly text: string;
  };
  "legion.iteration.start": { readonly iteration: number; readonly retry: number };
  "legion.iteration.stop": {
    readonly iteration: number;
    readonly action?: string;
    readonly outcome: "continue" | "retry" | "finish" | "cancel";
    /** What the model is to correct. */
    readonly error?: ErrorData;
    readonly durationMs: number;
  };
  "legion.llm.request.start": { readonly model: string; readonly messages: number };
  "legion.llm.request.stop": {
    readonly model: string;
    readonly tier?: string;
    readonly usage: UsageData;
    readonly durationMs: number;
    readonly error?: ErrorData;
  };
  "legion.llm.delta": { readonly type: "text" | "reasoning" | "reset"; readonly text: string };
  "legion.llm.warning": { readonly message: string };
  "legion.sandbox.eval.start": { readonly code: string };
  "legion.sandbox.eval.stop": {
    readonly ok: boolean;
    readonly durationMs: number;
    readonly toolCalls: number;
    readonly error?: { readonly name: string; readonly message: string };
  };
  "legion.tool.call.start": { readonly tool: string; readonly function: string };
  "legion.tool.call.stop": {
    readonly tool: string;
    readonly function: string;
    readonly ok: boolean;
    readonly durationMs: number;
    readonly error?: ErrorData;
    /** It was served from the record of an earlier process. */
    readonly isReplayed?: true;
  };
  "legion.human.input_required": {
    readonly question: string;
    readonly type: "question" | "approval";
    readonly text: string;
    readonly choices?: readonly string[];
    readonly expiresAt: string;
  };
  "legion.human.input_received": {
    readonly question: string;
    readonly state: "answered" | "approved" | "denied" | "expired" | "withdrawn";
    readonly by: string;
    readonly durationMs: number;
  };
}

export type EventKind = keyof EventData;

/** One event: who, when, what led to it. */
export type LegionEvent = {
  [K in EventKind]: {
    /** ULID. */
    readonly id: string;
    /** The event that led to this one. */
    readonly causedBy?: string;
    /** ISO 8601, wall time. */
    readonly at: string;
    readonly agent: string;
    readonly run: string;
    readonly kind: K;
    readonly data: EventData[K];
  };
}[EventKind];

/** Sends an event of one run and returns its id, for `causedBy` of those that follow. */
export type Emit = <K extends EventKind>(kind: K, data: EventData[K], causedBy?: string) => string;

/** Something that happened to an object of the store, or to the daemon itself. */
export interface ObjectEventRecord {
  /** ULID. */
  readonly id: string;
  readonly causedBy?: string;
  /** ISO 8601, wall time. */
  readonly at: string;
  readonly kind: "legion.object";
  /** `Agent/default/reviewer`, `Source//roots`, `Daemon//legion`. */
  readonly object: string;
  readonly data: {
    readonly severity: "normal" | "warning";
    /** One word, CamelCase: `Created`, `Rejected`, `Drained`. */
    readonly reason: string;
    readonly message: string;
    readonly generation?: number;
    /** Of the object: another one of the same name is another uid. */
    readonly uid?: string;
  };
}

/** Everything that a daemon reports. */
export type DaemonEvent = LegionEvent | ObjectEventRecord;

/** Sends an event about an object and returns its id. */
export type EmitObject = (
  object: string,
  data: ObjectEventRecord["data"],
  causedBy?: string,
) => string;
