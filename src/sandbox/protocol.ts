import type {
  Binding,
  EvaluationError,
  GuestSurface,
  Readings,
  SandboxLimits,
  Snapshot,
} from "./contract.ts";
import type { WasmModule } from "./engine.ts";

/** What an instance needs to know; the same for its whole life. */
export interface InstanceOptions {
  readonly limits: SandboxLimits;
  readonly surface: GuestSurface;
}

/** From the pool to a worker. Messages are handled in their order. */
export type ToWorker =
  /** The first one. A process compiles the engine itself: a compiled module cannot leave its process. */
  | { readonly type: "start"; readonly wasm?: WasmModule }
  | {
      readonly type: "open";
      readonly sandbox: number;
      readonly options: InstanceOptions;
      readonly snapshot?: Snapshot;
    }
  | {
      readonly type: "evaluate";
      readonly sandbox: number;
      readonly evaluation: number;
      readonly code: string;
      readonly timeoutMs: number;
      readonly seed: string;
      /** Of the calls that are recorded: the code has to make so many, at least. */
      readonly readings: readonly Readings[];
      /** After the last of them; live when there is none. */
      readonly tail?: Readings;
    }
  /** All recorded answers have been handed over: the code must have made all recorded calls. */
  | { readonly type: "replayed"; readonly evaluation: number }
  /** The answer to a call: a HostReply as JSON. */
  | {
      readonly type: "reply";
      readonly evaluation: number;
      readonly call: number;
      readonly text: string;
    }
  /** The clock of the evaluation stands still while it waits, or goes on. */
  | { readonly type: "pause"; readonly evaluation: number; readonly isPaused: boolean }
  | { readonly type: "abort"; readonly evaluation: number }
  | { readonly type: "close"; readonly sandbox: number };

/** From a worker to the pool. */
export type FromWorker =
  | { readonly type: "opened"; readonly sandbox: number; readonly problem?: string }
  /** The argument is JSON without `__proto__`, `constructor` and `prototype`; empty when there is none. */
  | {
      readonly type: "call";
      readonly evaluation: number;
      readonly call: number;
      readonly name: string;
      readonly argument: string;
      readonly readings: Readings;
    }
  | { readonly type: "done"; readonly evaluation: number; readonly outcome: Outcome }
  /** Only from a process, which shares no memory: who has the engine, and until when; nobody is 0. */
  | { readonly type: "holds"; readonly evaluation: number; readonly untilMs: number };

/** An Evaluation whose value is still text. */
export type Outcome = OutcomeBase &
  (
    | {
        readonly ok: true;
        readonly value?: string;
        readonly bindings: readonly Binding[];
        readonly skipped: readonly { readonly name: string; readonly reason: string }[];
        readonly snapshot: Snapshot;
      }
    | { readonly ok: false; readonly error: EvaluationError }
  );

export interface OutcomeBase {
  readonly logs: readonly string[];
  readonly logsCut: boolean;
  readonly toolCalls: number;
  readonly durationMs: number;
  readonly readings: Readings;
}

const { timeOrigin } = performance;

/** Milliseconds that mean the same in all threads and processes of the machine, and do not jump while they run. */
export function sharedNow(): number {
  return timeOrigin + performance.now();
}
