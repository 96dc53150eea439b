import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "../lib/json.ts";
import { byteLength } from "../lib/text.ts";
import { keyOf, keyText, type Resource } from "./resource.ts";
import {
  type DeleteChange,
  type Expectation,
  type FinalizeChange,
  type ObjectChange,
  type PutChange,
  RESOURCE_BYTES_MAX,
  RESOURCE_DEPTH_MAX,
  type StatusChange,
} from "./store.ts";
import { type Conflict, tooLarge } from "./store-errors.ts";

/** What a change makes of one object: undefined when it is gone. Whether anything differs in the end is seen when the whole write is known. */
export type Step =
  | { readonly conflict: Conflict }
  | { readonly conflict?: never; readonly next: Resource | undefined };

export interface StepContext {
  /** Time of the write, ISO 8601. */
  readonly at: string;
  readonly newUid: () => string;
}

/** Decides what one change makes of one object. The resourceVersion is set later, when the whole write is known. */
export function stepObject(
  live: Resource | undefined,
  change: ObjectChange,
  context: StepContext,
): Step {
  switch (change.type) {
    case "put":
      return put(live, change, context);
    case "delete":
      return remove(live, change, context);
    case "status":
      return setStatus(live, change);
    case "finalize":
      return { next: finalize(live, change) };
  }
}

function put(live: Resource | undefined, change: PutChange, context: StepContext): Step {
  const conflict = unexpected(live, change);
  if (conflict !== undefined) return { conflict };
  const sent = sentParts(change);
  if (live === undefined) return { next: created(sent, change, context) };
  if (live.deletionTimestamp !== undefined) {
    const { resourceVersion: actual } = live;
    return { conflict: { key: change.key, reason: "deleting", actual } };
  }
  const next = { ...live, ...sent };
  const specChanged = !isDeepStrictEqual(next.spec, live.spec);
  return { next: specChanged ? { ...next, generation: live.generation + 1 } : next };
}

type SentParts = Pick<Resource, "labels" | "annotations" | "spec"> &
  Partial<Pick<Resource, "origin" | "finalizers" | "ownerReferences" | "managers">>;

function sentParts(change: PutChange): SentParts {
  const { labels, annotations, spec, origin, finalizers, ownerReferences, managers } = change;
  const parts = { labels, annotations, spec, origin, finalizers, ownerReferences, managers };
  return storedCopy(parts, keyText(change.key)) as SentParts;
}

function created(sent: SentParts, { key }: PutChange, { at, newUid }: StepContext): Resource {
  return {
    ...keyOf(key),
    uid: newUid(),
    generation: 1,
    resourceVersion: 0,
    creationTimestamp: at,
    finalizers: [],
    ownerReferences: [],
    managers: {},
    status: {},
    ...sent,
  };
}

function remove(live: Resource | undefined, change: DeleteChange, { at }: StepContext): Step {
  const conflict = unexpected(live, change);
  if (conflict !== undefined) return { conflict };
  if (live === undefined || live.finalizers.length === 0) return { next: undefined };
  return { next: live.deletionTimestamp === undefined ? { ...live, deletionTimestamp: at } : live };
}

function setStatus(live: Resource | undefined, change: StatusChange): Step {
  const conflict = unexpected(live, change);
  if (conflict !== undefined) return { conflict };
  if (live === undefined) return { conflict: { key: change.key, reason: "absent" } };
  const status = storedCopy(change.status, keyText(change.key)) as JsonObject;
  return { next: { ...live, status } };
}

function finalize(live: Resource | undefined, { finalizer }: FinalizeChange): Resource | undefined {
  if (live?.finalizers.includes(finalizer) !== true) return live;
  const finalizers = live.finalizers.filter((each) => each !== finalizer);
  const gone = finalizers.length === 0 && live.deletionTimestamp !== undefined;
  return gone ? undefined : { ...live, finalizers };
}

function unexpected(
  live: Resource | undefined,
  { key, expect }: { readonly key: Resource | PutChange["key"]; readonly expect?: Expectation },
): Conflict | undefined {
  const actual = live?.resourceVersion;
  if (expect === undefined) return undefined;
  if (expect === "absent") {
    return actual === undefined ? undefined : { key, reason: "exists", expected: expect, actual };
  }
  if (actual === undefined) return { key, reason: "absent", expected: expect };
  return actual === expect ? undefined : { key, reason: "moved", expected: expect, actual };
}

/** The value as JSON keeps it, apart from the caller's. Measured first, since neither JSON nor a comparison survives any depth. */
function storedCopy(value: object, name: string): unknown {
  if (deeperThan(value, RESOURCE_DEPTH_MAX)) {
    throw tooLarge(`${name} has too many levels`, `${RESOURCE_DEPTH_MAX}`);
  }
  const text = JSON.stringify(value);
  const bytes = byteLength(text);
  if (bytes > RESOURCE_BYTES_MAX) {
    const limit = `${RESOURCE_BYTES_MAX.toLocaleString("en")}`;
    throw tooLarge(`${name} has ${bytes.toLocaleString("en")} bytes`, limit);
  }
  return JSON.parse(text);
}

/** Whether a value has more levels than that; looks no deeper. */
export function deeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((child) => deeperThan(child, levels - 1));
  // Without a list of the keys: every object of an apply passes here.
  for (const key in value) {
    if (deeperThan((value as Record<string, unknown>)[key], levels - 1)) return true;
  }
  return false;
}
