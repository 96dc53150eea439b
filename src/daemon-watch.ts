/** What watchers and crons run with in a daemon: what they look at, whom they wake, what they call. */
import type { Supervisor } from "./agent/supervision.ts";
import type { Crons } from "./cron/contract.ts";
import { createCrons } from "./cron/crons.ts";
import { createCronJobs } from "./daemon-crons.ts";
import { createDeliver } from "./daemon-deliveries.ts";
import type { Clock } from "./lib/clock.ts";
import { schemaOfFunction } from "./manifest/function-schema.ts";
import { systemTimers } from "./manifest/watch/timers.ts";
import type { View } from "./reconcile/view.ts";
import type { Database } from "./state/database.ts";
import type { KeyValue } from "./state/key-value.ts";
import type { Fence } from "./state/store.ts";
import { openSqliteTicks } from "./state/ticks-sqlite.ts";
import { forgetOrphans } from "./state/watching-orphans.ts";
import { openSqliteWatching } from "./state/watching-sqlite.ts";
import type { EmitObject } from "./telemetry/events.ts";
import type { Services } from "./turns/services.ts";
import type { Watchers } from "./watch/contract.ts";
import { createSource } from "./watch/sources/sources.ts";
import { createWatchers } from "./watch/watchers.ts";

export interface WatchPartsOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stateFolder: string;
  readonly clock: Clock;
  readonly database: Database;
  readonly fence: Fence;
  readonly view: View;
  readonly services: Services;
  readonly supervisor: Supervisor;
  readonly keyValue: () => Promise<KeyValue>;
  readonly secretFiles: () => readonly string[];
  readonly emit: EmitObject;
  readonly onError: (error: unknown) => void;
}

export interface WatchParts {
  readonly watchers: Watchers;
  readonly crons: Crons;
  /** Looks no more and starts nothing more; calls of tools that run may end within the grace time. */
  close(graceMs: number): Promise<void>;
}

/** Builds both; nothing is looked at before the reconcilers say so. */
export function buildWatchParts(options: WatchPartsOptions): WatchParts {
  const { clock, database, fence, view, services, supervisor, emit, onError } = options;
  const durable = { clock, fence };
  const common = { clock, timers: systemTimers, onError };
  const ticks = openSqliteTicks(database, durable);
  const states = openSqliteWatching(database, durable);
  const living = [...view.ofKind("Watcher"), ...view.ofKind("Cron")].map(({ uid }) => uid);
  forgetOrphans(database, durable, new Set(living));
  const watchers = createWatchers({
    ...common,
    emit,
    states,
    createSource: (watcher) => createSource(watcher, { ...options, ...services }),
    schemaOf: ({ namespace, spec }) =>
      schemaOfFunction(view.within(namespace).all("Tool"), spec.tool ?? "", namespace),
    deliver: createDeliver({ supervisor, services, view, states }),
    // Who watches for an agent that was deleted rests.
    agentState: (key) =>
      view.get(key) === undefined ? "terminated" : supervisor.state(key)?.lifecycle.state,
    redact: services.redact,
  });
  const jobs = createCronJobs({ supervisor, services, view, ticks });
  const crons = createCrons({ ...common, emit, ticks, start: jobs.start });
  return {
    watchers,
    crons,
    async close(graceMs) {
      await Promise.all([watchers.close(), jobs.close(graceMs)]);
      await crons.close();
    },
  };
}
