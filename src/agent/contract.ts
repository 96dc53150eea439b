import type { Clock } from "../lib/clock.ts";
import type { ErrorData } from "../lib/errors.ts";
import type { Json, JsonObject } from "../lib/json.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import type { Router, Usage } from "../router/contract.ts";
import type { Sandbox, SandboxPool } from "../sandbox/contract.ts";
import type { JournalStep, StepType } from "../state/journal.ts";
import type { Emit } from "../telemetry/events.ts";
import type { Redact } from "../tools/call/redact.ts";
import type { Toolbox } from "../tools/contract.ts";
import type { TurnActivity } from "./activity.ts";
import type { PastEvaluation } from "./journal/past.ts";
import type { Session } from "./session.ts";

/** A call that a person decides about: because its tool or agent says so, or because nobody knows whether it was made before the process died. */
export interface ApprovalRequest {
  /** `tool.function`. */
  readonly name: string;
  readonly argument: Json;
  readonly why: "required" | "unknown";
  /** Of the call: the same one asks once, also after a restart. A call that may be made once more has another key each time. */
  readonly key: string;
  readonly signal: AbortSignal;
}

export type Approve = (
  request: ApprovalRequest,
) => Promise<{ readonly approved: true } | { readonly approved: false; readonly error: ErrorData }>;

/** Why a turn ended without an answer. budget_exceeded and rate_limited are for limits of Legion's own. */
export type CancelReason =
  | "reached_max_iterations"
  | "reached_max_retries"
  | "budget_exceeded"
  | "rate_limited"
  | "interrupted"
  | "timeout"
  | "terminated"
  /** No model answered: the router has tried what it may. Nothing that the agent did was wrong. */
  | "provider_failed";

/** What every turn reports, however it ended. */
export interface TurnFigures {
  readonly agent: string;
  readonly run: string;
  /** The model that answered last, as provider/model; before the first answer what the agent asked for. */
  readonly model: string;
  /** Steps begun; a step that is tried again counts once. */
  readonly iterations: number;
  /** How often code was run. */
  readonly evaluations: number;
  /** How often the model was told to correct a step. */
  readonly retries: number;
  readonly usage: Usage;
  readonly toolCalls: number;
  readonly durationMs: number;
}

/** How a turn ended. */
export type TurnResult =
  | (TurnFigures & { readonly status: "ok"; readonly value: Json })
  | (TurnFigures & {
      readonly status: "cancel";
      readonly reason: CancelReason;
      /** Why, with a code and the next step. For provider_failed it is the router's own error. */
      readonly error: ErrorData;
      /** What was wrong with the step that failed last, when one did. */
      readonly lastError?: ErrorData;
    });

/** What a turn may spend. Asked before each request to a model and each call of a tool; told after. */
export interface Meter {
  /** Why it may not be; undefined when it may. */
  refuse(what: "request" | "call"): Refusal | undefined;
  spend(spent: {
    readonly tokens?: number;
    readonly requests?: number;
    readonly toolCalls?: number;
  }): void;
}

export interface Refusal {
  readonly reason: "budget_exceeded" | "rate_limited";
  readonly error: ErrorData;
}

/** Where a run writes its steps and finds those of the process before. */
export interface TurnJournal {
  /** The steps of an earlier process, in order; each is to be served before anything is done live. */
  readonly past: readonly JournalStep[];
  /** On disk when the promise resolves. */
  append(type: StepType, data: JsonObject): Promise<void>;
}

/** Everything that one turn needs; nothing is taken from the surroundings. */
export interface TurnOptions {
  readonly agent: Pick<ManifestObject<"Agent">, "name" | "spec">;
  /** What the agent is to do: the user message. */
  readonly task: string;
  /** The ULID of the run. */
  readonly run: string;
  /** Of the agent's spec, for the record; absent where objects have none. */
  readonly generation?: number;
  /** The message that the turn answers, and for which time, for the record; absent for one-shot runs. */
  readonly message?: string;
  readonly attempt?: number;
  /** The turn that started this one, for the record. */
  readonly parent?: { readonly run: string };
  readonly router: Router;
  readonly toolbox: Toolbox;
  /** Asked for when the model is asked first, so that a sandbox is ready when code comes; never by an agent that may not evaluate. */
  readonly pool: () => Promise<SandboxPool>;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Ends the turn: as timeout when its reason is a TimeoutError (AbortSignal.timeout), else as interrupted, with the reason as its error when that is a LegionError. */
  readonly signal: AbortSignal;
  /** Without one nothing of the run outlives the process. */
  readonly journal?: TurnJournal;
  readonly meter?: Meter;
  /** Told when the turn waits for people. */
  readonly activity?: Pick<TurnActivity, "waits" | "works">;
  /** Data for tools only. */
  readonly vault?: JsonObject;
  /** Asks people whether a call may be made: what an approval needs. Without it such calls are refused. */
  readonly approve?: Approve;
  /** Takes secrets out of everything that the turn reads and writes: what is recorded is what it goes on with. */
  readonly redact?: Redact;
  /** Keeps how the turn ended, before anybody is told. When it was not kept the conversation forgets the turn: it is to come again. */
  readonly onEnd?: (result: TurnResult) => Promise<"kept" | "forgotten">;
  /** Hears of each evaluation that is served from the record, with the sandbox as it was before it. */
  readonly onServed?: (past: PastEvaluation, sandbox: () => Promise<Sandbox>) => Promise<void>;
  /** The conversation to go on with (createSession); its turns run one after the other. Without one the turn has a conversation of its own. */
  readonly session?: Session;
}

/** Runs one task to its end (loop.ts). It rejects only for a bug: every failure of model, code, tools and provider is a result. */
export type RunTurn = (options: TurnOptions) => Promise<TurnResult>;
