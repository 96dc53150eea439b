import { LegionError } from "../lib/errors.ts";
import { formatDuration } from "../lib/quantities.ts";
import { count } from "../lib/text.ts";
import { titleOf } from "../manifest/plan-text.ts";
import type { ApiObject, ObjectPlane, ObjectQuery } from "../reconcile/contract.ts";
import { keyOf, keyText, type ResourceKey } from "../state/resource.ts";
import { isTimeout } from "./deadline.ts";
import { keyTextOf, type Readiness, readinessOf } from "./readiness.ts";

/** How many objects an error lists. */
const LISTED_MAX = 5;

export type Following = Pick<ObjectPlane, "list" | "watch">;

/**
 * Tells how these objects stand, at first and at every change, until `seen` answers true; undefined stands for an object
 * that is not there. Resolves to false when the signal ended it.
 */
export async function followObjects(
  plane: Following,
  keys: readonly ResourceKey[],
  signal: AbortSignal,
  seen: (key: string, object: ApiObject | undefined) => boolean,
): Promise<boolean> {
  const wanted = new Set(keys.map(keyText));
  const [only] = keys.length === 1 ? keys : [];
  const query: ObjectQuery = only === undefined ? {} : keyOf(only);
  while (!signal.aborted) {
    const { items, version } = await plane.list(query);
    const present = new Map(items.map((object) => [keyTextOf(object), object]));
    let done = false;
    for (const key of wanted) done = seen(key, present.get(key));
    if (done) return true;
    try {
      for await (const { type, object } of plane.watch(version, query, signal)) {
        const key = keyTextOf(object);
        if (wanted.has(key) && seen(key, type === "deleted" ? undefined : object)) return true;
      }
    } catch (error) {
      // The log of changes does not go back so far: what was missed is in the next list.
      if (!(error instanceof LegionError && error.code === "LEG6023")) throw error;
    }
  }
  return false;
}

/** An object that is waited for, and the generation that has to run. */
export interface Wanted extends ResourceKey {
  readonly generation: number;
}

export interface WaitOptions {
  readonly signal: AbortSignal;
  /** For the message when the time is over. */
  readonly timeoutMs: number;
  /** Told after every change what is waited for. */
  readonly onProgress?: (text: string) => void;
}

/**
 * Resolves when all objects are Ready with their generation, or a newer one. Throws LEG7027 when all have settled and some are
 * Stalled, LEG7032 when one was deleted, LEG7026 when the time was over before. An interruption resolves to false.
 */
export async function waitUntilReady(
  plane: Following,
  objects: readonly Wanted[],
  { signal, timeoutMs, onProgress }: WaitOptions,
): Promise<boolean> {
  if (objects.length === 0) return true;
  const wanted = new Map(objects.map((object) => [keyText(object), object]));
  const pending = new Map<string, Readiness>(
    objects.map((object) => [
      keyText(object),
      { state: "waiting", reason: "Pending", message: "nothing is known of it yet" },
    ]),
  );
  const stalled = new Map<string, Readiness>();
  const done = await followObjects(plane, objects, signal, (key, object) => {
    if (object === undefined) throw deletedMeanwhile(wanted.get(key));
    const readiness = readinessOf(object);
    const isOld = object.metadata.generation < (wanted.get(key)?.generation ?? 0);
    pending.delete(key);
    stalled.delete(key);
    if (isOld || readiness.state === "waiting") pending.set(key, readiness);
    else if (readiness.state === "stalled") stalled.set(key, readiness);
    const [next] = pending;
    if (next !== undefined)
      onProgress?.(
        `${pending.size} of ${objects.length} not ready; ${nameAndReason(next, wanted)}`,
      );
    return pending.size === 0;
  });
  if (!done && !isTimeout(signal)) return false;
  if (!done) throw notInTime(pending, stalled, wanted, timeoutMs);
  if (stalled.size > 0) throw cannotBecomeReady(stalled, wanted);
  return true;
}

function deletedMeanwhile(key: ResourceKey | undefined): LegionError {
  return new LegionError({
    code: "LEG7032",
    message: `${key === undefined ? "the object" : titleOf(key)} was deleted while it was waited for`,
    hint: "apply it again if it is to run",
  });
}

function notInTime(
  pending: ReadonlyMap<string, Readiness>,
  stalled: ReadonlyMap<string, Readiness>,
  wanted: ReadonlyMap<string, Wanted>,
  timeoutMs: number,
): LegionError {
  const all = new Map([...stalled, ...pending]);
  return new LegionError({
    code: "LEG7026",
    message: `${all.size} of ${count(wanted.size, "object")} not ready after ${formatDuration(timeoutMs)}: ${listed(all, wanted)}`,
    hint: `what was applied stays; look at ${firstName(all, wanted)} with legion describe, or give it more time with --timeout`,
  });
}

function cannotBecomeReady(
  stalled: ReadonlyMap<string, Readiness>,
  wanted: ReadonlyMap<string, Wanted>,
): LegionError {
  return new LegionError({
    code: "LEG7027",
    message: `${count(stalled.size, "object")} cannot become ready: ${listed(stalled, wanted)}`,
    hint: "mend what is named and apply again; what was applied stays",
  });
}

function listed(some: ReadonlyMap<string, Readiness>, wanted: ReadonlyMap<string, Wanted>): string {
  const shown = [...some].slice(0, LISTED_MAX).map((entry) => nameAndReason(entry, wanted));
  const more = some.size - shown.length;
  return `${shown.join("; ")}${more > 0 ? `; and ${count(more, "more", "more")}` : ""}`;
}

function firstName(
  some: ReadonlyMap<string, Readiness>,
  wanted: ReadonlyMap<string, Wanted>,
): string {
  const [key = ""] = some.keys();
  const object = wanted.get(key);
  return object === undefined ? "it" : titleOf(object);
}

function nameAndReason(
  [key, { reason, message }]: readonly [string, Readiness],
  wanted: ReadonlyMap<string, Wanted>,
): string {
  const object = wanted.get(key);
  return `${object === undefined ? key : titleOf(object)} (${reason}: ${message})`;
}
