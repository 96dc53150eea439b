import type { Clock } from "../lib/clock.ts";
import type { ErrorData } from "../lib/errors.ts";
import type { Json } from "../lib/json.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import type { Router, Usage } from "../router/contract.ts";
import type { SandboxPool } from "../sandbox/contract.ts";
import type { Emit } from "../telemetry/events.ts";
import type { Toolbox } from "../tools/contract.ts";
import type { Session } from "./session.ts";

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
  readonly router: Router;
  readonly toolbox: Toolbox;
  /** Asked for when the model is asked first, so that a sandbox is ready when code comes; never by an agent that may not evaluate. */
  readonly pool: () => Promise<SandboxPool>;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Ends the turn: as timeout when its reason is a TimeoutError (AbortSignal.timeout), else as interrupted, with the reason as its error when that is a LegionError. */
  readonly signal: AbortSignal;
  /** The conversation to go on with (createSession); its turns run one after the other. Without one the turn has a conversation of its own. */
  readonly session?: Session;
}

/** Runs one task to its end (loop.ts). It rejects only for a bug: every failure of model, code, tools and provider is a result. */
export type RunTurn = (options: TurnOptions) => Promise<TurnResult>;
