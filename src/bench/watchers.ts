import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../lib/clock.ts";
import { systemTimers } from "../manifest/watch/timers.ts";
import { openDatabase } from "../state/database.ts";
import type { Watching } from "../state/watching.ts";
import { openSqliteWatching } from "../state/watching-sqlite.ts";
import { scriptedSchema, watcherObject } from "../testing/watchers.ts";
import { createWatchers } from "../watch/watchers.ts";
import type { Benchmark } from "./benchmark.ts";

const WATCHERS = 1_000;
const RUN_MS = 15_000;
const IDLE_MS = 3_000;
const RESOLUTION_MS = 1;
const BAR_MS = 20;

/** Of ten watchers: seven have no history and are idle, two have history, one fires now and then. */
const triggers = [
  ...Array.from({ length: 7 }, () => "when status >= 500 for 3 polls"),
  "when avg(status, 60 polls) > 400",
  "when p95(status, 5m) > 400 or changed(name)",
  "when status == 200 and name == 'odd'",
];

/** What 1,000 watchers that look every second do to the event loop of their process. */
export const benchmark: Benchmark = {
  name: "watchers",
  async run() {
    const folder = await mkdtemp(path.join(tmpdir(), "legion-bench-watchers-"));
    try {
      const idle = await delayDuring(() => sleep(IDLE_MS));
      const { delay, looks, deliveries, rows } = await measure(folder);
      const p99 = ms(delay.percentile(99));
      const floor = ms(idle.percentile(99));
      return [
        {
          name: `${WATCHERS} watchers at 1 s: event loop delay p99 without the floor`,
          value: Math.max(0, p99 - floor),
          unit: "ms",
          beside: `idle floor ${floor.toFixed(1)} ms, p50 ${ms(delay.percentile(50)).toFixed(1)}, max ${ms(delay.max).toFixed(0)}; ${looks} looks, ${deliveries} deliveries, ${rows} rows written in ${RUN_MS / 1000} s`,
          bar: BAR_MS,
          want: "<=",
        },
      ];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function measure(folder: string) {
  const clock = systemClock;
  const database = await openDatabase(folder);
  const states = openSqliteWatching(database, { clock });
  const seen = { looks: 0, deliveries: 0, rows: 0 };
  const counted: Watching = {
    ...states,
    write(rows) {
      seen.rows += rows.length;
      return states.write(rows);
    },
  };
  const watchers = createWatchers({
    ...{ clock, timers: systemTimers, states: counted },
    createSource: async () => ({
      async poll() {
        seen.looks += 1;
        return { ok: true, status: 200, name: seen.looks % 7 === 0 ? "odd" : "even", value: 1 };
      },
    }),
    schemaOf: () => scriptedSchema,
    deliver: async () => {
      seen.deliveries += 1;
      return { type: "done" };
    },
    agentState: () => "running",
    emit: () => "",
    onError: (error) => {
      throw error;
    },
  });
  for (let index = 0; index < WATCHERS; index += 1) {
    const trigger = triggers[index % triggers.length] ?? "";
    const object = watcherObject(`w${index}`, { trigger });
    await watchers.ensure({ uid: `uid-${index}`, generation: 1, object });
  }
  const delay = await delayDuring(() => sleep(RUN_MS));
  const during = { ...seen };
  await watchers.close();
  database.close();
  return { delay, ...during };
}

async function delayDuring(work: () => Promise<unknown>) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  await work();
  histogram.disable();
  return histogram;
}

function ms(nanoseconds: number): number {
  return nanoseconds / 1e6;
}
