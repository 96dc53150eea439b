import type { CronGeneration, CronState, Crons } from "../cron/contract.ts";
import type { ApiObject } from "../reconcile/contract.ts";
import type { WatchPlane } from "../reconcile/watch-contract.ts";
import { keyOf, keyText, type ResourceKey } from "../state/resource.ts";
import type { Tick } from "../state/ticks.ts";
import type { Silence } from "../state/watching.ts";
import type { WatcherGeneration, WatcherState, Watchers } from "../watch/contract.ts";
import type { RecordedCall } from "./agents-half.ts";

const at = "2026-01-01T00:00:00.000Z";

export const sampleSilence: Silence = {
  ...{ id: "01KD00000000000000000000S1", reason: "deploy", by: "ada", at },
  watcher: { kind: "Watcher", namespace: "default", name: "checkout" },
  until: "2026-01-01T02:00:00.000Z",
};

export const sampleTick: Tick = {
  ...{ uid: "uid-2", atMs: Date.parse(at), by: "person", state: "failed" },
  ...{ message: "01KD00000000000000000000M1", reason: "the model did not answer" },
  ...{ startedMs: Date.parse(at) + 5, endedMs: Date.parse(at) + 1_005 },
};

const sampleCron: ApiObject = {
  ...{ apiVersion: "legion.dev/v1", kind: "Cron", spec: { schedule: "@daily" } },
  metadata: {
    ...{ name: "nightly", namespace: "default", uid: "uid-2", generation: 1, resourceVersion: 4 },
    creationTimestamp: at,
  },
  status: {},
};

/** What each method gives back; typical, and whole. */
export const watchAnswers = {
  explainTrigger: [
    { depth: 0, text: "status >= 500", type: "bool", value: "true" },
    { depth: 1, text: "status", type: "number" },
  ],
  silences: [sampleSilence],
  silence: sampleSilence,
  unsilence: { removed: true },
  cronTicks: [sampleTick, { uid: "uid-2", atMs: 0, by: "schedule", state: "missed" }],
  triggerCron: { uid: "uid-2", atMs: 1, by: "person", state: "started", startedMs: 1 },
  resumeCron: sampleCron,
} as const satisfies { readonly [M in keyof WatchPlane]: Awaited<ReturnType<WatchPlane[M]>> };

/** The half about watchers and crons that gives the answers above and keeps what it was called with. */
export function recordingWatching(): {
  readonly plane: WatchPlane;
  readonly calls: RecordedCall[];
} {
  const calls: RecordedCall[] = [];
  const methods = Object.entries(watchAnswers).map(([method, answer]) => [
    method,
    async (...args: unknown[]) => {
      calls.push({ method, args });
      return answer;
    },
  ]);
  return { plane: Object.fromEntries(methods) as WatchPlane, calls };
}

interface Known<G, S> {
  readonly key: ResourceKey;
  readonly wanted: G;
  state: S;
}

/** What the parts below share: generations that were given, and states that the test sets. */
function known<G extends WatcherGeneration | CronGeneration, S>(fresh: (wanted: G) => S) {
  const all = new Map<string, Known<G, S>>();
  const calls: string[] = [];
  const listeners = new Set<(key: ResourceKey) => void>();
  return {
    calls,
    /** What the next `ensure` fails with. */
    failing: undefined as unknown,
    at: (key: ResourceKey) => all.get(keyText(key)),
    set(key: ResourceKey, change: Partial<S>): void {
      const found = all.get(keyText(key));
      if (found === undefined) throw new Error(`${keyText(key)} was not ensured`);
      found.state = { ...found.state, ...change };
      for (const listener of listeners) listener(key);
    },
    plain: {
      state: (key: ResourceKey) => all.get(keyText(key))?.state,
      states: () => [...all.values()].map(({ key, state }) => ({ key, state })),
      async remove(key: ResourceKey, uid: string) {
        calls.push(`remove ${key.name} ${uid}`);
        if (all.get(keyText(key))?.wanted.uid === uid) all.delete(keyText(key));
      },
      onChange(listener: (key: ResourceKey) => void) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      close: async () => {},
    },
    ensure(wanted: G): S {
      if (this.failing !== undefined) throw this.failing;
      const { kind, namespace, name } = wanted.object;
      const key = { kind, namespace, name };
      calls.push(`ensure ${name} ${wanted.generation}`);
      const before = all.get(keyText(key));
      if (before?.wanted.uid === wanted.uid && before.wanted.generation === wanted.generation)
        return before.state;
      const next = { key, wanted, state: { ...before?.state, ...fresh(wanted) } };
      all.set(keyText(key), next);
      return next.state;
    },
  };
}

/** Watchers that look at nothing: how they stand is what the test sets. */
export function fakeWatchers() {
  const rig = known<WatcherGeneration, WatcherState>(({ uid, generation, object }) => ({
    ...{ uid, generation, since: at, polls: 0, skipped: 0, fires: 0, suppressed: {} },
    ...{ errors: 0, pending: 0, state: object.spec.suspend ? "suspended" : "new" },
  }));
  const silences: Silence[] = [];
  const stopped: string[] = [];
  const watchers: Watchers = {
    ...rig.plain,
    ensure: async (wanted) => rig.ensure(wanted),
    explain: (key) => (rig.at(key) === undefined ? undefined : watchAnswers.explainTrigger),
    agentChanged: (key) => void stopped.push(keyText(key)),
    silences: () => silences,
    async silence(silence) {
      const kept = { ...silence, id: `S${silences.length + 1}`, at };
      silences.push(kept);
      return kept;
    },
    async unsilence(which) {
      const text = typeof which === "string" ? which : keyText(which);
      const found = silences.findIndex(
        ({ id, watcher }) => id === text || keyText(watcher) === text,
      );
      if (found !== -1) silences.splice(found, 1);
      return found !== -1;
    },
  };
  return Object.assign(rig, { watchers, agentsTold: stopped });
}

/** Crons that run nothing: how they stand is what the test sets. */
export function fakeCrons() {
  const rig = known<CronGeneration, CronState>(({ uid, generation, object }) => ({
    ...{ uid, generation, runs: 0, running: 0, queued: 0 },
    state: object.spec.suspend ? "suspended" : "waiting",
  }));
  const ticks: Tick[] = [];
  const crons: Crons = {
    ...rig.plain,
    ensure: async (wanted) => rig.ensure(wanted),
    async trigger(key) {
      const uid = rig.at(key)?.wanted.uid ?? "";
      const tick: Tick = { uid, atMs: ticks.length, by: "person", state: "started" };
      ticks.unshift(tick);
      return tick;
    },
    async resume(key) {
      if (rig.at(key)?.state.state !== "paused") return false;
      rig.set(keyOf(key), { state: "waiting" });
      return true;
    },
    ticks: async (_, limit) => ticks.slice(0, limit),
  };
  return Object.assign(rig, { crons, ticks });
}
