import type { Supervisor } from "../agent/supervision.ts";
import type { Crons } from "../cron/contract.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { systemTimers, type Timers } from "../manifest/watch/timers.ts";
import type { Journal } from "../state/journal.ts";
import type { Lifecycles } from "../state/lifecycles.ts";
import { keyOf, keyText, type Resource, type ResourceKey } from "../state/resource.ts";
import type { Store } from "../state/store.ts";
import type { EventRing } from "../telemetry/ring.ts";
import type { Watchers } from "../watch/contract.ts";
import { type AgentsPlaneParts, createAgentsPlane } from "./agents-plane.ts";
import { apiObjectOf } from "./api-object.ts";
import type { DaemonPlane, DaemonStatus, ObjectPlane } from "./contract.ts";
import type { Controller } from "./controller.ts";
import { objectsStatus, sourceProblems, waitingNotes } from "./daemon-status.ts";
import { daemonEvents } from "./event-stream.ts";
import { withLive } from "./live-status.ts";
import { createLiveChanges, type LiveWatchOptions, watchLive } from "./live-watch.ts";
import { existing } from "./plane-lookup.ts";
import { matcherOf } from "./plane-watch.ts";
import type { SourceRunner } from "./source-runner.ts";
import type { View } from "./view.ts";
import { createWatchPlane } from "./watch-plane.ts";

/** Runs in quarantine that a status counts. */
const RUNS_COUNTED = 1_000;

export interface DaemonPlaneParts {
  readonly plane: ObjectPlane;
  readonly view: View;
  readonly store: Store;
  readonly supervisor: Supervisor;
  readonly journal: Journal;
  readonly lifecycles: Lifecycles;
  readonly questions: AgentsPlaneParts["questions"];
  readonly decide: AgentsPlaneParts["decide"];
  readonly cancelRun: AgentsPlaneParts["cancelRun"];
  readonly replay: AgentsPlaneParts["replay"];
  readonly rollback: AgentsPlaneParts["rollback"];
  readonly watchers: Watchers;
  readonly crons: Crons;
  /** All sources, the roots first. */
  readonly sources: () => readonly SourceRunner[];
  readonly ring: EventRing;
  /** What does not change while the process runs, and where its server listens. */
  readonly facts: () => Pick<
    DaemonStatus,
    "version" | "pid" | "startedAt" | "cwd" | "stateFolder" | "socket" | "address"
  >;
  /** Resolves when the roots were read once and the reconcilers run. */
  readonly started: Promise<Controller>;
  readonly phase: () => "starting" | "running" | "draining";
  /** Begins to end the process. */
  readonly shutdown: () => void;
  readonly clock?: Clock;
  readonly timers?: Timers;
}

/** What a running daemon can do, over its parts. */
export function createDaemonPlane(parts: DaemonPlaneParts): DaemonPlane {
  const { plane, view, store, supervisor, watchers, crons, sources, started } = parts;

  const clock = parts.clock ?? systemClock;

  /** What was applied a moment ago is looked at first; `isThere` says whether it was. */
  async function settled(key: ResourceKey, isThere: () => boolean): Promise<Resource> {
    const controller = await started;
    const resource = await existing(store, key);
    await view.reached(resource.resourceVersion);
    if (!isThere()) await controller.settled([keyOf(key)]);
    return resource;
  }

  /** What would begin to run now would be cut off at once. */
  function refuseWhenDraining(): void {
    if (parts.phase() === "draining") throw draining();
  }

  const shown = async (key: ResourceKey) =>
    withLive(apiObjectOf(await existing(store, key)), parts);

  return {
    ...plane,
    ...createAgentsPlane({
      ...parts,
      shown,
      agentKey: async (key) => {
        await settled(key, () => supervisor.state(key) !== undefined);
        return key;
      },
    }),
    ...createWatchPlane({
      ...{ watchers, crons, clock, shown, refuseWhenDraining },
      settled: (key) => settled(key, () => (watchers.state(key) ?? crons.state(key)) !== undefined),
    }),
    async list(query) {
      const { items, version } = await plane.list(query);
      return { items: items.map((object) => withLive(object, parts)), version };
    },
    async read(key) {
      const object = await plane.read(key);
      return object && withLive(object, parts);
    },
    watch: createWatch(parts, clock),
    async apply(request) {
      if (request.dryRun !== true) refuseWhenDraining();
      const report = await plane.apply(request);
      await view.reached(report.version);
      return report;
    },
    status: async () => statusOf(parts),
    async reconcile({ wait = false, timeoutMs }) {
      const controller = await started;
      await Promise.all(sources().map((runner) => runner.reload()));
      controller.requeueAll();
      if (wait) await limited(controller.idle(), timeoutMs);
      return sources().map((runner) => runner.status());
    },
    async shutdown() {
      parts.shutdown();
    },
    async restart(key) {
      const resource = await existing(store, key);
      await supervisor.restart(keyOf(key));
      return withLive(apiObjectOf(resource), parts);
    },
    events: (query, signal) => daemonEvents(parts.ring, query, signal),
  };
}

async function statusOf(parts: DaemonPlaneParts): Promise<DaemonStatus> {
  const { view, supervisor, journal, sources, facts, phase } = parts;
  const { objects, problems } = objectsStatus(view.all());
  const loops = supervisor.states();
  const states = loops.map(({ state }) => state);
  const statuses = sources().map((runner) => runner.status());
  const [questions, dead, quarantined] = await Promise.all([
    parts.questions.list({}),
    supervisor.dead(),
    journal.runs({ status: "quarantined", limit: RUNS_COUNTED }),
  ]);
  const waiting = {
    watchers: parts.watchers.states(),
    ...{ loops, questions: questions.length, deadLetters: dead.length },
    quarantined: quarantined.length,
  };
  const all = [...sourceProblems(statuses), ...problems, ...waitingNotes(waiting)];
  const now = phase();
  return {
    ...facts(),
    health: now !== "running" ? now : all.some(({ isNote }) => isNote !== true) ? "degraded" : "ok",
    objects,
    agents: {
      loops: states.length,
      turns: states.flatMap(({ lanes }) => lanes.filter(({ turn }) => turn !== undefined)).length,
      queued: states.reduce((sum, { queued }) => sum + queued, 0),
    },
    sources: statuses,
    problems: all,
  };
}

/** The changes of the store, and those of watchers and crons that the store knows nothing of. */
function createWatch(parts: DaemonPlaneParts, clock: Clock): DaemonPlane["watch"] {
  const { plane, view, watchers, crons, timers = systemTimers } = parts;
  const changes = createLiveChanges([watchers, crons], clock);
  return (since, query, signal) => {
    const matches = matcherOf(query);
    const options: LiveWatchOptions = {
      ...{ since, clock, timers },
      stored: (ended) => plane.watch(since, query, ended),
      dressed: (object) => withLive(object, parts),
      present(key) {
        const resource = view.get(key);
        return resource && matches(resource) ? apiObjectOf(resource) : undefined;
      },
      presentVersion: () => view.version,
      onChange: (listener) =>
        changes.listen((key) => {
          const { kind = key.kind, namespace = key.namespace, name = key.name } = query;
          if (keyText(key) === keyText({ kind, namespace, name })) listener(key);
        }),
    };
    return watchLive(options, signal);
  };
}

async function limited(work: Promise<void>, timeoutMs: number | undefined): Promise<void> {
  if (timeoutMs === undefined) return work;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(notIdle(timeoutMs)), timeoutMs);
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function notIdle(timeoutMs: number): LegionError {
  return new LegionError({
    code: "LEG6056",
    message: `not everything was reconciled within ${timeoutMs} ms`,
    hint: "legion status lists what is not ready, and why",
  });
}

function draining(): LegionError {
  return new LegionError({
    code: "LEG8004",
    message: "the daemon is shutting down",
    hint: "wait until it has ended, and apply to the state folder or to the next daemon",
  });
}
