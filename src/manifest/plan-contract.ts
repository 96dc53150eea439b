import type { Json } from "../lib/json.ts";
import type { ReloadClass } from "./reload-class.ts";

/** Who an object is, of a kind that this version need not know. */
export interface ObjectKey {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** What a manifest says about an object. */
export interface Declaration extends ObjectKey {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: unknown;
}

/** An object as the store has it; the store's resources are assignable. */
export interface LiveObject extends Declaration {
  readonly generation: number;
  /** Grows with every write to the object. */
  readonly resourceVersion: number;
  /** The source that declared it last, and the file; absent when nobody kept it. */
  readonly origin?: { readonly source: string; readonly file?: string | undefined } | undefined;
  /** Present while the object is being deleted. */
  readonly deletionTimestamp?: string | number | undefined;
}

export type PlanAction = "create" | "update" | "delete" | "keep";

/** One field that differs. `before` is absent for an added field, `after` for a removed one. */
export interface FieldChange {
  /** `/spec/model`. */
  readonly pointer: string;
  readonly before?: Json;
  readonly after?: Json;
  readonly class: ReloadClass;
}

/** What is to happen to one object. */
export interface PlannedChange extends ObjectKey {
  readonly action: PlanAction;
  /** The source does not declare it any more, or not validly, and it is kept all the same. */
  readonly isUndeclared?: true;
  /** What differs, for an update. */
  readonly fields?: readonly FieldChange[];
  /** The strongest of its fields, for an update. */
  readonly class?: ReloadClass;
  /** What is to be written, for a create or an update; for a kept one only when its owners or its origin change. */
  readonly object?: PlannedObject;
  /** What a reader should know: why an object is kept, where it moved. */
  readonly notes?: readonly string[];
}

/** What a change writes to the object that it names. */
export interface PlannedObject {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: Json;
  /** Who owns which fields afterwards, by field manager. */
  readonly managers?: Readonly<Record<string, readonly string[]>>;
  /** Where it is declared. */
  readonly origin?: PlannedOrigin;
}

/** Where an object is declared, as the store keeps it. */
export interface PlannedOrigin {
  readonly source: string;
  readonly file: string;
  readonly root?: string;
  readonly document: number;
}

/** What an object is to be. A set of manifests is assignable. */
export interface DesiredDeclaration extends Declaration {
  /** canonicalHash of the spec, where it is known already. */
  readonly specHash?: string;
  readonly managers?: PlannedObject["managers"];
  readonly origin?: PlannedOrigin;
  /** Owners or origin are to be written though the object stays as it is. */
  readonly isRecordStale?: boolean;
}

/** What the source remembers once the plan is applied. */
export interface PlannedInventory {
  readonly keys: readonly ObjectKey[];
  readonly digest: string;
  readonly applied?: string;
  readonly attempted: string;
}

/** What an object was when the plan was made; null when there was none. */
export interface BaseState {
  readonly resourceVersion: number;
  /** Of labels, annotations and spec: tells a write that matters from one of status. */
  readonly digest: string;
}

/** A plan is data: it goes through a file and back. */
export interface Plan {
  readonly planVersion: 1;
  readonly source: string;
  /** In the order in which they are to be applied. */
  readonly changes: readonly PlannedChange[];
  /** What the plan was computed from, by key (`Agent/default/greeter`). */
  readonly base: Readonly<Record<string, BaseState | null>>;
  /** Absent where the plan was made outside of the store. */
  readonly inventory?: PlannedInventory;
  /** Of the source, the base, the changes and the inventory; two plans with one digest do the same to the same store. */
  readonly digest: string;
}

/** The identity of an object as text: `Agent/default/greeter`. */
export function objectKey({ kind, namespace, name }: ObjectKey): string {
  return `${kind}/${namespace}/${name}`;
}
