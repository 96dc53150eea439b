import type { Resource, ResourceKey } from "../state/resource.ts";
import type { ObjectEventRecord } from "../telemetry/events.ts";
import type { View } from "./view.ts";

/** What a reconciler found. `reason` is one word in CamelCase, `message` a sentence with the next step. */
export type Verdict =
  /** The generation that it was given runs, or can be used. */
  | { readonly type: "ready"; readonly reason: string; readonly message: string }
  | {
      /** Not yet; it comes back when what it refers to changes, when it asks for it, or after that time. */
      readonly type: "waiting";
      readonly reason: string;
      readonly message: string;
      readonly retryAfterMs?: number;
      /** An older generation runs on, so what Ready says of that one stays. */
      readonly keepReady?: boolean;
    }
  | {
      /** Only a person can mend it. */
      readonly type: "stalled";
      readonly reason: string;
      readonly message: string;
      readonly retryAfterMs?: number;
    };

export interface ReconcileContext {
  readonly view: View;
  /** Aborted when the controller ends. */
  readonly signal: AbortSignal;
  /** Has an object looked at again, at once. */
  requeue(key: ResourceKey): void;
  emit(key: ResourceKey, data: ObjectEventRecord["data"]): void;
}

/**
 * Makes one kind of object true. Level-based: it is given the object as it is now, not what changed, and running it twice
 * changes nothing. A rejection is told in the status and retried with growing pauses.
 */
export interface Reconciler {
  readonly kind: string;
  /** Objects of the kind at once. */
  readonly concurrency?: number;
  /** The finalizer that `finalize` works off. */
  readonly finalizer?: string;
  /** Listens to what outside of the store is a reason to look at objects again; the function that comes back ends it. */
  watch?(context: ReconcileContext): () => void;
  /** What the object depends on, as far as one can see now; the name `*` is any of that kind and namespace. It is looked at again when one of them changes. */
  references?(
    resource: Resource,
    view: View,
  ): readonly ResourceKey[] | Promise<readonly ResourceKey[]>;
  reconcile(resource: Resource, context: ReconcileContext): Promise<Verdict>;
  /** Takes down an object that is being deleted; it goes when this is done. */
  finalize?(resource: Resource, context: ReconcileContext): Promise<Verdict | "done">;
  /** Takes down what is left of an object that is gone already. */
  removed?(key: ResourceKey, context: ReconcileContext): Promise<Verdict | "done">;
}

export function ready(reason: string, message: string): Verdict {
  return { type: "ready", reason, message };
}

export function waiting(
  reason: string,
  message: string,
  more: { readonly retryAfterMs?: number; readonly keepReady?: boolean } = {},
): Verdict {
  return { type: "waiting", reason, message, ...more };
}

export function stalled(
  reason: string,
  message: string,
  more: { readonly retryAfterMs?: number } = {},
): Verdict {
  return { type: "stalled", reason, message, ...more };
}
