import type { ErrorData } from "../lib/errors.ts";
import type { Json, JsonObject } from "../lib/json.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { Silence } from "../state/watching.ts";
import type { DueAction } from "../trigger/actions.ts";
import type { ExplainedLine } from "../trigger/explain.ts";
import type { Fire, Outcome } from "../trigger/machine.ts";
import type { Sample } from "../trigger/samples.ts";

/** Something that a watcher looks at. */
export interface WatchSource {
  /**
   * Looks once: JSON by the names of the roots of its type, with `ok`, and `value`, and `error {code, message}` where it is not ok.
   * It never rejects. When the signal is aborted it ends soon, with what it has; the caller measures `latency`.
   */
  poll(signal: AbortSignal): Promise<Sample>;
  /** What goes on after a restart: the place in a file, an ETag. */
  save?(): JsonObject;
  /** Goes on from what `save` gave; what is not as it was saved is left out. */
  restore?(state: JsonObject): void;
  close?(): Promise<void>;
}

/** One generation of a watcher. */
export interface WatcherGeneration {
  readonly uid: string;
  readonly generation: number;
  readonly object: ManifestObject<"Watcher">;
}

/** Why a fire was not told: a gate of the trigger, or what comes after the gates. */
export type SuppressedBy = NonNullable<Outcome["suppressed"]>["gate"] | "silenced";

/** How a watcher stands. Moments are ISO 8601, UTC. */
export interface WatcherState {
  readonly uid: string;
  readonly generation: number;
  /** new: it has not looked yet. suspended: by its manifest, or as its agent is stopped or terminated. */
  readonly state: Outcome["state"] | "new" | "suspended";
  /** When the state became what it is. */
  readonly since: string;
  /** `value` of the last sample, cut to VALUE_SHOWN_MAX characters of its JSON; absent before the first. */
  readonly value?: Json;
  readonly polls: number;
  readonly lastPollAt?: string;
  readonly latencyMs?: number;
  /** Moments at which the look before was not over. */
  readonly skipped: number;
  /** Fires that went through the gates, also those that a silence held back. */
  readonly fires: number;
  readonly lastFireAt?: string;
  /** How many fires each gate held back. */
  readonly suppressed: Readonly<Partial<Record<SuppressedBy, number>>>;
  /** Polls at which the condition could not be evaluated. */
  readonly errors: number;
  /** What was wrong at the last poll: of the source, or of the condition. */
  readonly error?: { readonly code: string; readonly message: string };
  readonly silencedUntil?: string;
  /** Deliveries that have not been made yet. */
  readonly pending: number;
}

/** Something that is to be done for a watcher, once. */
export interface Delivery {
  /** The same at every attempt, and of no other delivery. */
  readonly id: string;
  readonly watcher: ResourceKey;
  readonly action: DueAction;
  /** What the agent is told; for wake and message. */
  readonly text: string;
  /** The fires that it tells, oldest first: several when they were grouped. Empty for a recovery. */
  readonly fires: readonly DeliveredFire[];
}

export interface DeliveredFire {
  readonly watcher: string;
  readonly at: string;
  readonly kind: Fire["kind"] | "recovery";
  readonly text?: string;
  readonly values: Readonly<Record<string, Json>>;
}

/** How a delivery ended. retry: it is made again later, the same one. */
export type Delivered =
  | { readonly type: "done" }
  | { readonly type: "retry"; readonly error: ErrorData }
  | { readonly type: "failed"; readonly error: ErrorData };

/** Makes a delivery; a second time with the same id has no second effect. It never rejects. */
export type Deliver = (delivery: Delivery) => Promise<Delivered>;

/** The watchers of one process. Keys are those of Watcher objects. */
export interface Watchers {
  /** Starts a watcher, or goes on with another generation of it: history, counts and `for` stay unless the text of the trigger, its type or its zone changed. Doing it again changes nothing. */
  ensure(watcher: WatcherGeneration): Promise<WatcherState>;
  /** Ends one and forgets all of it. */
  remove(key: ResourceKey, uid: string): Promise<void>;
  state(key: ResourceKey): WatcherState | undefined;
  states(): readonly { readonly key: ResourceKey; readonly state: WatcherState }[];
  /** The typed tree of the trigger with the values at the last poll. */
  explain(key: ResourceKey): readonly ExplainedLine[] | undefined;
  /** Looks at whether its agent is stopped anew. */
  agentChanged(agent: ResourceKey): void;
  silences(): readonly Silence[];
  /** Holds back what a watcher tells, for a while; one more takes the place of the one before. */
  silence(silence: Omit<Silence, "id" | "at">): Promise<Silence>;
  /** By id, or by the key of the watcher; false when there is none. */
  unsilence(idOrKey: string | ResourceKey): Promise<boolean>;
  /** Called with the key whenever the state of a watcher changed so that people would want to see it; the function that comes back ends it. */
  onChange(listener: (key: ResourceKey) => void): () => void;
  /** Looks no more; resolves when all states are on disk. */
  close(): Promise<void>;
}

/** Characters of JSON of a value that a state shows. */
export const VALUE_SHOWN_MAX = 200;
