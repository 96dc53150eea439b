import type { ErrorCode } from "../lib/codes.ts";
import type { Json } from "../lib/json.ts";

/** Limits of one sandbox; all of them are enforced outside the guest. */
export interface SandboxLimits {
  /** Soft deadline of one evaluation; a second later the worker is killed. */
  readonly timeoutMs: number;
  /** The most memory of the wasm instance, bytes. */
  readonly memoryBytes: number;
  readonly maxToolCalls: number;
  readonly maxResultBytes: number;
  readonly maxLogBytes: number;
  readonly maxBindingsBytes: number;
  readonly isolation: "shared" | "worker" | "process";
}

/** A failure that the guest's code reads as an Error with these fields. */
export interface HostError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly hint?: string;
}

/** What a host call answers; it never throws or rejects. The value is plain JSON. */
export type HostReply =
  | { readonly ok: true; readonly value: Json | undefined }
  | { readonly ok: false; readonly error: HostError };

/**
 * Answers the guest's calls. `name` is what the guest called, for example `files.read`; `argument` is the one argument, tags
 * revived and the keys `__proto__`, `constructor` and `prototype` dropped.
 * A call that waits for a person, an approval or a sub-agent wraps the wait in `pauseClock`.
 */
export type Host = (name: string, argument: Json | undefined, call: HostCall) => Promise<HostReply>;

export interface HostCall {
  /** The number of the call within its evaluation, from 1, in the order in which the code made them. */
  readonly call: number;
  /** It is among the calls of the past, without an answer: it was begun by a process that died, and nobody knows whether it was done. */
  readonly wasBegun: boolean;
  /** What the code has read of clock and calendar since the call before: goes into the record of the call, and back by `past`. */
  readonly readings: Readings;
  /** Aborted when the evaluation ends, for any reason. */
  readonly signal: AbortSignal;
  /** The deadline of the evaluation stands still until the promise settles. */
  pauseClock<T>(wait: Promise<T>): Promise<T>;
}

/** Times that the code has read, packed; opaque outside the sandbox. */
export type Readings = string;

/** How far an evaluation had come when its process died. Served in the same order, the code does the same as the first time. */
export interface EvaluationPast {
  /** In the order in which the code made them. */
  readonly calls: readonly {
    readonly name: string;
    /** JSON text of the argument; empty when there was none. */
    readonly argument: string;
    readonly readings: Readings;
  }[];
  /** In the order in which the code got them. `call` counts from 1. */
  readonly answers: readonly { readonly call: number; readonly reply: HostReply }[];
  /**
   * What the code read after its last call: of an evaluation that had come to its end and is done again. Without it the clock is
   * live there, as it is for an evaluation that goes on.
   */
  readonly tail?: Readings;
}

/** Which names the guest sees. */
export interface GuestSurface {
  /** Namespaces of functions: `{ files: ["read", "list"] }` gives `await tools.files.read({...})`. */
  readonly tools: Readonly<Record<string, readonly string[]>>;
  /** Top-level functions that are host calls too: `["help", "search", "recall"]`; each takes one argument. */
  readonly functions: readonly string[];
  /** Trusted JavaScript that is run at boot, after the names above are there; what it puts on globalThis the code sees. */
  readonly prelude?: string;
}

export interface Binding {
  readonly name: string;
  /** `string`, `number`, `array`, `object`, `function`, `class`, `Map` ... */
  readonly type: string;
  /** Bytes of its serialised form. */
  readonly bytes: number;
}

/** Variables of the guest as opaque text: goes into the journal, and into `restore`. */
export type Snapshot = string;

export type EvaluationErrorName =
  | "SyntaxError"
  | "RuntimeError"
  | "Timeout"
  | "OutOfMemory"
  | "StackOverflow"
  | "ResultTooLarge"
  | "NotSerialisable"
  | "BindingsTooLarge"
  | "TooManyToolCalls"
  | "SandboxKilled"
  | "Aborted"
  /** The code made another call than its past says: LEG3013. */
  | "Diverged";

/** Why an evaluation failed, for the model: everything in it comes from the guest or from Legion, never from the host. */
export interface EvaluationError {
  readonly name: EvaluationErrorName;
  readonly code: ErrorCode;
  /** For RuntimeError the guest's own `Name: message`. */
  readonly message: string;
  readonly hint: string;
  /** Position in the model's code, from 1. */
  readonly line?: number;
  readonly column?: number;
  /** The lines around the position with a caret. */
  readonly frame?: string;
}

interface EvaluationBase {
  /** Captured console lines, capped. */
  readonly logs: readonly string[];
  /** True when the cap cut some off. */
  readonly logsCut: boolean;
  readonly toolCalls: number;
  readonly durationMs: number;
  /** What the code has read of clock and calendar since its last call, up to its end: goes back by `past` as its tail. */
  readonly readings: Readings;
}

export type Evaluation =
  | (EvaluationBase & {
      readonly ok: true;
      /**
       * The value as JSON; undefined when there is none. Dates are ISO text, Maps objects or entry lists, Sets arrays,
       * bigints decimal text: what a reader of JSON expects.
       */
      readonly value: Json | undefined;
      readonly bindings: readonly Binding[];
      /** Names that could not be kept, each with the reason, for the model. */
      readonly skipped: readonly { readonly name: string; readonly reason: string }[];
      readonly snapshot: Snapshot;
    })
  | (EvaluationBase & { readonly ok: false; readonly error: EvaluationError });

export interface EvaluateOptions {
  readonly host: Host;
  readonly signal?: AbortSignal;
  /** What Math.random is drawn from: the same seed gives the same numbers. A random one unless told. */
  readonly seed?: string;
  /** Begins the evaluation again; goes on live after the last recorded call. Calls without an answer go to the host with `wasBegun`. */
  readonly past?: EvaluationPast;
  /** Overrides of the limits for this one evaluation. */
  readonly timeoutMs?: number;
}

/**
 * One agent's sandbox. `evaluate` never throws and never rejects; after a failed evaluation the bindings are those from before it.
 * Evaluations of one sandbox run one after the other.
 */
export interface Sandbox {
  evaluate(code: string, options: EvaluateOptions): Promise<Evaluation>;
  /** Forgets all bindings, or puts back those of a snapshot. */
  restore(snapshot: Snapshot | undefined): Promise<void>;
  close(): Promise<void>;
}

/** The engine behind one interface: today QuickJS in worker threads. */
export interface SandboxPool {
  /** Opens a sandbox; the surface and limits stay as they are for its life. */
  open(limits: SandboxLimits, surface: GuestSurface): Promise<Sandbox>;
  /** Ends all workers. Evaluations that run end as Aborted. */
  close(): Promise<void>;
}
