import type { JsonObject } from "../lib/json.ts";

/** What names an object in the store; none of the parts holds a slash. */
export interface ResourceKey {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Where an object was declared. */
export interface Origin {
  /** The source it was applied from: the roots of the daemon, a Source, a client. */
  readonly source: string;
  /** Absolute path; empty for an object that was sent without a file. */
  readonly file: string;
  /** Absolute path of the folder that file references of the object cannot leave. */
  readonly root?: string;
  /** Zero-based index of the document within the file. */
  readonly document: number;
}

/** An owner: when no owner is left in the store, the owned object is an orphan. */
export interface OwnerReference extends ResourceKey {
  readonly uid: string;
}

/** Field manager -> the JSON pointers it owns, sorted. A part `name=x` of a pointer is the item of that name in a list. */
export type Managers = Readonly<Record<string, readonly string[]>>;

/** One object as the store keeps it. It is a value: a store never changes one that it gave away. */
export interface Resource extends ResourceKey {
  /** ULID; another one when an object of the same key is made again. */
  readonly uid: string;
  /** Grows by one when the spec changes, and only then. */
  readonly generation: number;
  /** The store's version at the last write of this object, of whatever part. */
  readonly resourceVersion: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: JsonObject;
  readonly origin?: Origin;
  /** ISO 8601, UTC. */
  readonly creationTimestamp: string;
  /** Set when it is to go, and waits for its finalizers. */
  readonly deletionTimestamp?: string;
  readonly finalizers: readonly string[];
  readonly ownerReferences: readonly OwnerReference[];
  readonly managers: Managers;
  readonly status: JsonObject;
}

/** One earlier or present spec of an object. */
export interface SpecRecord {
  readonly generation: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** The field manager that wrote it. */
  readonly manager: string;
  readonly spec: JsonObject;
}

/** The key as one text, `Agent/default/reviewer`: for messages and maps. */
export function keyText({ kind, namespace, name }: ResourceKey): string {
  return `${kind}/${namespace}/${name}`;
}

/** The three parts of a key, without what else the value holds. */
export function keyOf({ kind, namespace, name }: ResourceKey): ResourceKey {
  return { kind, namespace, name };
}

/** Order of lists: kind, namespace, name, each by code units. */
export function compareKeys(a: ResourceKey, b: ResourceKey): number {
  return (
    compareText(a.kind, b.kind) ||
    compareText(a.namespace, b.namespace) ||
    compareText(a.name, b.name)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
