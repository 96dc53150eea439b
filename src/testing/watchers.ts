import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../lib/clock.ts";
import { canonicalHash } from "../lib/hash.ts";
import type { Json, JsonObject } from "../lib/json.ts";
import type { WatcherSpec } from "../manifest/generated/watcher.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import type { LifecycleState } from "../state/lifecycles.ts";
import { keyText, type ResourceKey } from "../state/resource.ts";
import type { Silence, Watching } from "../state/watching.ts";
import type { ObjectEventRecord } from "../telemetry/events.ts";
import type { Sample } from "../trigger/samples.ts";
import type {
  Delivered,
  Delivery,
  WatcherState,
  Watchers,
  WatchSource,
} from "../watch/contract.ts";
import { createWatchers, type WatchersDeps } from "../watch/watchers.ts";
import { type ManualTime, manualTime } from "./manual-timers.ts";

/** The schema of what scripted sources give. */
export const scriptedSchema = {
  type: "object",
  properties: {
    status: { type: "number" },
    name: { type: "string" },
    body: {},
  },
};

/** A Watcher as loading gives it, defaults filled in. */
export function watcherObject(
  name: string,
  spec: Partial<WatcherSpec> & Pick<WatcherSpec, "trigger">,
): ManifestObject<"Watcher"> {
  const whole: WatcherSpec = {
    ...{ type: "custom", tool: "scripted.look", agent: "operator" },
    ...{ interval: "1s", jitter: "0s", timeout: "10s" },
    ...{ timezone: "UTC", groupWait: "0s", suspend: false },
    ...spec,
  };
  const shown = `watcher-${name}.yaml`;
  return {
    ...{ kind: "Watcher", name, namespace: "default", labels: {}, annotations: {} },
    spec: whole,
    sent: whole as unknown as JsonObject,
    source: { file: `/manifests/${shown}`, shown, document: 0, root: "/manifests" },
    specHash: canonicalHash(whole as unknown as Json),
  };
}

export function watcherKey(name: string): ResourceKey {
  return { kind: "Watcher", namespace: "default", name };
}

/** What watchers know, in memory; it counts what is written. */
export function memoryWatching(clock: Clock): Watching & {
  readonly rows: Map<string, string>;
  readonly written: { transactions: number; rows: number };
} {
  const rows = new Map<string, string>();
  const silences = new Map<string, Silence>();
  const written = { transactions: 0, rows: 0 };
  return {
    ...{ rows, written },
    read: async (uid) => {
      const row = rows.get(uid);
      return row === undefined ? undefined : JSON.parse(row);
    },
    write: async (all) => {
      written.transactions += 1;
      written.rows += all.length;
      for (const { uid, state } of all) rows.set(uid, JSON.stringify(state));
    },
    forget: async (uid) => void rows.delete(uid),
    silences: async () =>
      [...silences.values()].filter(({ until }) => Date.parse(until) > clock.now()),
    silence: async (silence) => void silences.set(keyText(silence.watcher), silence),
    unsilence: async (id) => {
      const found = [...silences.values()].find((silence) => silence.id === id);
      return found !== undefined && silences.delete(keyText(found.watcher));
    },
  };
}

/** What a source sees at a look; a function may also wait, or listen to the signal. */
export type Scripted = Sample | ((look: number, signal: AbortSignal) => Sample | Promise<Sample>);

/** Watchers of scripted sources, on time that passes when it is told to. */
export interface TestWatchers {
  readonly time: ManualTime;
  readonly watchers: Watchers;
  readonly deliveries: Delivery[];
  readonly events: ObjectEventRecord["data"][];
  readonly errors: unknown[];
  /** What the sources see, by the name of the watcher. */
  readonly sees: Record<string, Scripted>;
  /** Looks that go on at once, the most of each watcher so far. */
  readonly overlaps: Record<string, number>;
  /** How the next deliveries end; done unless told. */
  deliver: (delivery: Delivery) => Promise<Delivered>;
  readonly agents: Map<string, LifecycleState>;
  /** What the tool that looks declares to give. */
  schema: unknown;
  /** Puts the wall clock another way. */
  stepWall(ms: number): void;
  ensure(
    name: string,
    spec: Partial<WatcherSpec> & Pick<WatcherSpec, "trigger">,
    generation?: number,
  ): Promise<WatcherState>;
  state(name: string): WatcherState;
  /** Lets time pass, timer by timer, with all that follows from each. */
  advance(ms: number): Promise<void>;
}

/** Makes watchers over a store: the same store again is a restart. */
export function testWatchers(
  options: Partial<Pick<WatchersDeps, "states" | "redact">> & {
    readonly time?: ManualTime;
    /** What each source saves and restores. */
    readonly places?: Record<string, JsonObject>;
  } = {},
): TestWatchers {
  const { time = manualTime(), places = {} } = options;
  let skewMs = 0;
  const { timers } = time;
  const monotonic = () => time.clock.monotonic();
  const clock: Clock = { now: () => time.clock.now() + skewMs, monotonic };
  const overlaps: Record<string, number> = {};
  const known: Omit<TestWatchers, "watchers"> = {
    ...{ time, deliveries: [], events: [], errors: [], sees: {}, overlaps, agents: new Map() },
    schema: scriptedSchema,
    deliver: async () => ({ type: "done" }),
    stepWall: (ms) => {
      skewMs += ms;
    },
    ensure: (name, spec, generation = 1) =>
      watchers.ensure({ uid: `uid-${name}`, generation, object: watcherObject(name, spec) }),
    state: (name) => {
      const state = watchers.state(watcherKey(name));
      if (state === undefined) throw new Error(`there is no watcher ${name}`);
      return state;
    },
    advance: (ms) => advance(time, ms),
  };
  const watchers = createWatchers({
    ...{ clock, timers, states: options.states ?? memoryWatching(clock) },
    createSource: async ({ name }) => scriptedSource(name, known, places),
    schemaOf: () => result.schema,
    deliver: async (delivery) => {
      known.deliveries.push(delivery);
      return result.deliver(delivery);
    },
    agentState: ({ name }) => known.agents.get(name),
    emit: (_, data) => {
      known.events.push(data);
      return "";
    },
    onError: (error) => void known.errors.push(error),
    ...(options.redact !== undefined && { redact: options.redact }),
  });
  const result: TestWatchers = Object.assign(known, { watchers });
  return result;
}

function scriptedSource(
  name: string,
  { sees, overlaps }: Pick<TestWatchers, "sees" | "overlaps">,
  places: Record<string, JsonObject>,
): WatchSource {
  let looks = 0;
  let going = 0;
  return {
    async poll(signal) {
      looks += 1;
      going += 1;
      overlaps[name] = Math.max(overlaps[name] ?? 0, going);
      try {
        const seen = sees[name];
        const sample = typeof seen === "function" ? await seen(looks, signal) : (seen ?? {});
        return { ok: true, ...sample };
      } finally {
        going -= 1;
      }
    },
    save: () => places[name] ?? {},
    restore: (place) => {
      places[name] = place;
    },
  };
}

async function advance(time: ManualTime, ms: number): Promise<void> {
  const endMs = time.clock.monotonic() + ms;
  await turn();
  for (;;) {
    const leftMs = endMs - time.clock.monotonic();
    const next = time.pending()[0];
    if (next === undefined || next > leftMs) break;
    time.advance(Math.max(0, next));
    await turn();
  }
  time.advance(endMs - time.clock.monotonic());
  await turn();
}
