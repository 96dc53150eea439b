import path from "node:path";
import { canonicalHash } from "../lib/hash.ts";
import type { Json, JsonObject } from "../lib/json.ts";
import { durationMs } from "../lib/quantities.ts";
import type { WatcherSpec } from "../manifest/generated/watcher.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { WatcherGeneration } from "./contract.ts";
import { SAVE_EVERY_MS } from "./keeper.ts";
import { INTERVAL_MS_MIN } from "./schedule.ts";

/** The time that a source has to end once its timeout is over. */
export const GRACE_MS = 1_000;

/** One generation of a watcher, as the runtime reads it. */
export interface WatcherPlan extends WatcherGeneration {
  readonly key: ResourceKey;
  /** The output schema of a custom source. */
  readonly schema: unknown;
  /** Of all that the machine stands on: with another one its history begins anew. */
  readonly identity: string;
  /** Of all that the source stands on: with another one the source is another, and knows nothing of the one before. */
  readonly sourceIdentity: string;
  readonly intervalMs: number;
  readonly jitterMs: number;
  readonly timeoutMs: number;
  /** The longest time between two looks when all goes well, and what a restart may not know of. */
  readonly spacingMs: number;
  readonly agent?: ResourceKey;
  readonly groupWaitMs: number;
  /** Under which fires that wait for each other are kept. */
  readonly group: string;
}

/** What says when and whether to act, not what is looked at. `agent` is not here: keys and tools may be its own. */
const notOfSource = [
  "conversation",
  "interval",
  "jitter",
  "timeout",
  "trigger",
  "recovery",
  "timezone",
  "group",
  "groupWait",
  "suspend",
] as const satisfies readonly (keyof WatcherSpec)[];

/** Where a watcher wakes its agent unless it says so. */
const CONVERSATION = "watcher";

/** Reads a generation. The manifest is valid, so nothing here fails. */
export function planOf(generation: WatcherGeneration, schema: unknown): WatcherPlan {
  const { object, uid } = generation;
  const { spec, name, namespace } = object;
  const { type, trigger, timezone, agent, conversation = CONVERSATION } = spec;
  const hidden: readonly string[] = notOfSource;
  const ofSource = Object.entries(spec).filter(([field]) => !hidden.includes(field));
  const intervalMs = Math.max(INTERVAL_MS_MIN, durationMs(spec.interval));
  const jitterMs = Math.min(intervalMs, durationMs(spec.jitter));
  const timeoutMs = Math.max(1, durationMs(spec.timeout));
  return {
    ...generation,
    key: { kind: "Watcher", namespace, name },
    schema,
    identity: canonicalHash([trigger, type, timezone, (schema ?? null) as Json]),
    // Paths are relative to the manifest.
    sourceIdentity: canonicalHash({
      ...(Object.fromEntries(ofSource) as JsonObject),
      folder: path.dirname(object.source.file),
    }),
    ...{ intervalMs, jitterMs, timeoutMs },
    spacingMs: 2 * (intervalMs + jitterMs) + timeoutMs + GRACE_MS + SAVE_EVERY_MS,
    ...(agent !== undefined && { agent: { kind: "Agent", namespace, name: agent } }),
    groupWaitMs: durationMs(spec.groupWait),
    group: `group/${[namespace, spec.group ?? uid, agent ?? "", conversation].map(encodeURIComponent).join("/")}`,
  };
}
