import type { Json } from "../lib/json.ts";
import type { DueAction } from "./actions.ts";
import type { Gate } from "./gates.ts";
import type { FireKind } from "./machine-state.ts";

export type Phase = "idle" | "pending" | "firing";

export interface Fire {
  readonly kind: FireKind;
  /** It was held back by a window of the day and comes now. */
  readonly isDeferred: boolean;
  /** How many fires there were with this one. */
  readonly count: number;
  readonly actions: readonly DueAction[];
  /** What the condition looked at, and what it saw. */
  readonly values: Readonly<Record<string, Json>>;
}

/** What one poll did. */
export interface Outcome {
  /** The phase, or `no_data` and `error` where the condition gave no answer and the trigger is not firing. */
  readonly state: Phase | "no_data" | "error";
  readonly value: boolean | "missing" | "error";
  readonly fire?: Fire;
  /** A fire that a gate held back; told once for each due fire and gate. */
  readonly suppressed?: { readonly gate: Gate; readonly kind: FireKind };
  /** Firing began or ended with this poll. */
  readonly turned?: "began" | "ended";
  /** What is wrong with the data. */
  readonly error?: string;
}
