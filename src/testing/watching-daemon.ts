import type { Supervisor } from "../agent/supervision.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { systemTimers, type Timers } from "../manifest/watch/timers.ts";
import type { DaemonPlane, ObjectPlane } from "../reconcile/contract.ts";
import type { Controller } from "../reconcile/controller.ts";
import { createDaemonPlane, type DaemonPlaneParts } from "../reconcile/daemon-plane.ts";
import { createView } from "../reconcile/view.ts";
import type { Store } from "../state/store.ts";
import { createRing } from "../telemetry/ring.ts";
import { refuse } from "./no-agents.ts";
import { fakeCrons, fakeWatchers } from "./watching-half.ts";

export interface WatchingDaemon extends AsyncDisposable {
  readonly plane: DaemonPlane;
  readonly watching: ReturnType<typeof fakeWatchers>;
  readonly ticking: ReturnType<typeof fakeCrons>;
  /** Makes all watchers and crons of the store known to what runs them; nothing reconciles them. */
  ensureAll(): Promise<void>;
}

export interface WatchingDaemonOptions {
  readonly store: Store;
  readonly objects: ObjectPlane;
  readonly clock?: Clock;
  readonly timers?: Timers;
  readonly phase?: DaemonPlaneParts["phase"];
}

/** The real plane of a daemon over a store; what its watchers see and its crons run is what the test sets. */
export async function watchingDaemon({
  store,
  objects,
  clock = systemClock,
  timers = systemTimers,
  phase = () => "running",
}: WatchingDaemonOptions): Promise<WatchingDaemon> {
  const ended = new AbortController();
  const { signal } = ended;
  const onError = () => {};
  const view = await createView(store, { signal, onError, place: { cwd: "/" } });
  const [watching, ticking] = [fakeWatchers(), fakeCrons()];
  const plane = createDaemonPlane({
    ...{ plane: objects, view, store, clock, timers, phase },
    ...{ watchers: watching.watchers, crons: ticking.crons },
    ...quietParts(),
    facts: () => ({
      ...{ version: "0.1.0", pid: process.pid, startedAt: "2026-01-01T00:00:00.000Z" },
      ...{ cwd: "/", stateFolder: "/.legion", socket: "" },
    }),
  });
  return {
    ...{ plane, watching, ticking },
    async ensureAll() {
      await view.reached(await store.version());
      for (const resource of [...view.ofKind("Watcher"), ...view.ofKind("Cron")]) {
        const { uid, generation, kind, creationTimestamp: createdAt } = resource;
        if (kind === "Watcher")
          watching.ensure({ uid, generation, object: view.object<"Watcher">(resource) });
        else ticking.ensure({ uid, generation, createdAt, object: view.object<"Cron">(resource) });
      }
    },
    async [Symbol.asyncDispose]() {
      ended.abort();
      await view.done;
    },
  };
}

/** A daemon without agents, of which nothing waits. */
function quietParts() {
  const supervisor = { state: () => undefined, states: () => [], dead: async () => [] };
  const nothing = async () => [];
  return {
    supervisor: supervisor as unknown as Supervisor,
    journal: { runs: nothing } as unknown as DaemonPlaneParts["journal"],
    lifecycles: { graves: nothing } as unknown as DaemonPlaneParts["lifecycles"],
    questions: { list: nothing, read: async () => undefined },
    ...{ decide: refuse, replay: refuse, rollback: refuse },
    cancelRun: async () => false,
    sources: () => [],
    ring: createRing(100),
    started: Promise.resolve({ settled: async () => {} } as unknown as Controller),
    shutdown: () => {},
  };
}
