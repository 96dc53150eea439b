import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type {
  CronGeneration,
  CronJob,
  CronState,
  Crons,
  JobEnd,
  StartedJob,
} from "../cron/contract.ts";
import { createCrons } from "../cron/crons.ts";
import type { Clock } from "../lib/clock.ts";
import type { CronSpec } from "../manifest/generated/cron.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import { type Database, openDatabase } from "../state/database.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { Tick, Ticks } from "../state/ticks.ts";
import { openSqliteTicks } from "../state/ticks-sqlite.ts";
import { manualTime } from "./manual-timers.ts";

/** When the time of a rig begins. */
export const CRON_START_MS = Date.UTC(2026, 0, 1);

const defaults = {
  ...{ schedule: "0 * * * *", timezone: "UTC", agent: "worker", task: "Work." },
  ...{ jitter: "0s", overlap: "skip", catchup: "none", catchupMax: 10, catchupWindow: "1d" },
  ...{ pauseOnFailure: false, suspend: false },
} as const;

/** A Cron object as validation gives it. */
export function cronObject(spec: Partial<CronSpec> = {}, name = "c"): ManifestObject<"Cron"> {
  return {
    ...{ kind: "Cron", name, namespace: "default", labels: {}, annotations: {} },
    ...{ spec: { ...defaults, ...spec }, sent: {}, specHash: "" },
    source: { file: "", filename: "", document: 0, index: 0 },
  } as unknown as ManifestObject<"Cron">;
}

/** A job that a cron has somebody do. */
export interface FakeJob extends CronJob {
  end(end?: JobEnd): Promise<void>;
}

export const failed: JobEnd = {
  type: "failed",
  error: { code: "LEG2073", message: "it broke", hint: "mend it" },
};
export const cancelled: JobEnd = {
  type: "cancelled",
  error: { code: "LEG2783", message: "it was cancelled", hint: "none" },
};

/** Crons over a real database, with time that passes when it is told to. */
export interface CronRig extends AsyncDisposable {
  readonly key: ResourceKey;
  readonly crons: Crons;
  readonly ticks: Ticks;
  /** Those that were begun, in order, of all processes. */
  readonly jobs: readonly FakeJob[];
  /** Reasons of events, of all processes. */
  readonly events: readonly { readonly reason: string; readonly message: string }[];
  readonly errors: readonly unknown[];
  /** What the next jobs come to before they are kept. */
  readonly early: JobEnd[];
  /** Makes the store fail while it is set. */
  trouble: Error | undefined;
  now(): number;
  ensure(spec?: Partial<CronSpec>, about?: Partial<CronGeneration>): Promise<CronState>;
  /** Lets time pass, and everything happen that is due meanwhile. */
  pass(ms: number): Promise<void>;
  /** Sets the wall clock; no time passes. */
  setClock(byMs: number): void;
  /** Another process over the same database; nothing of the one before is heard of any more. */
  restart(afterMs?: number): Promise<void>;
  /** `15:00 ok`: when, how, oldest first. */
  rows(): Promise<string[]>;
  state(): CronState;
}

/** What a process does comes to rest: nothing of it waits for anything but time. */
async function rest(): Promise<void> {
  for (let round = 0; round < 3; round += 1) await new Promise(setImmediate);
}

/** A rig; whoever makes it disposes of it. */
export async function cronRig(): Promise<CronRig> {
  const resources = new AsyncDisposableStack();
  const database = await temporaryDatabase(resources);
  const time = manualTime(CRON_START_MS);
  let skewMs = 0;
  const clock: Clock = {
    now: () => time.clock.now() + skewMs,
    monotonic: time.clock.monotonic,
  };
  const key = { kind: "Cron", namespace: "default", name: "c" };
  const jobs: FakeJob[] = [];
  const events: { reason: string; message: string }[] = [];
  const errors: unknown[] = [];
  const early: JobEnd[] = [];
  const kept = openSqliteTicks(database, { clock });
  const ticks = troubled(kept, () => rig.trouble);
  const open = (): Crons =>
    createCrons({
      ...{ clock, timers: time.timers, ticks },
      emit: (_, { reason, message }) => {
        events.push({ reason, message });
        return "";
      },
      onError: (error) => errors.push(error),
      start: (job) => startFake(job, kept, { jobs, early }),
    });
  let crons = open();
  resources.defer(() => crons.close());
  const rig: CronRig = {
    ...{ key, ticks, jobs, events, errors, early, trouble: undefined },
    get crons() {
      return crons;
    },
    now: clock.now,
    ensure: (spec, about) =>
      crons.ensure({
        ...{ uid: "uid", generation: 1, createdAt: new Date(CRON_START_MS).toISOString() },
        ...{ object: cronObject(spec), ...about },
      }),
    async pass(ms) {
      const endMs = time.clock.monotonic() + ms;
      for (let leftMs = ms; leftMs > 0; leftMs = endMs - time.clock.monotonic()) {
        time.advance(Math.min(leftMs, Math.max(time.pending()[0] ?? leftMs, 0)));
        await rest();
        if (time.pending().length === 0) time.advance(endMs - time.clock.monotonic());
      }
      await rest();
    },
    setClock: (byMs) => {
      skewMs += byMs;
    },
    async restart(afterMs = 0) {
      await crons.close();
      time.advance(afterMs);
      crons = open();
    },
    async rows() {
      const all = await kept.list("uid");
      return all.toReversed().map(rowText);
    },
    state() {
      const state = crons.state(key);
      if (state === undefined) throw new Error("the cron is not there");
      return state;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
  return rig;
}

async function temporaryDatabase(resources: AsyncDisposableStack): Promise<Database> {
  const folder = await mkdtemp(path.join(tmpdir(), "legion-crons-"));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const database = await openDatabase(folder);
  resources.defer(() => database.close());
  return database;
}

/** Takes the tick, as whoever starts a job does, and leaves its end to the test. */
function startFake(
  job: CronJob,
  ticks: Ticks,
  { jobs, early }: { readonly jobs: FakeJob[]; readonly early: JobEnd[] },
): StartedJob {
  const { promise: ended, resolve } = Promise.withResolvers<JobEnd>();
  const end = async (what: JobEnd = { type: "ok" }) => {
    resolve(what);
    await rest();
  };
  const before = early.shift();
  const taking = async (): Promise<JobEnd | undefined> => {
    if (before !== undefined) return before;
    const isTaken = !job.isResumed && !(await ticks.take({ ...job.claim, state: "started" }));
    if (!isTaken) jobs.push({ ...job, end });
    return isTaken ? { type: "taken" } : undefined;
  };
  return { begun: taking(), ended };
}

function rowText({ atMs, state, by }: Tick): string {
  const at = new Date(atMs).toISOString();
  const text = atMs % 60_000 === 0 ? at.slice(11, 16) : at.slice(11, 23).replace(".000", "");
  return `${text} ${state}${by === "schedule" ? "" : ` ${by}`}`;
}

function troubled(ticks: Ticks, trouble: () => Error | undefined): Ticks {
  const checked = async <T>(work: () => Promise<T>): Promise<T> => {
    const error = trouble();
    if (error !== undefined) throw error;
    return work();
  };
  return {
    record: (uid) => checked(() => ticks.record(uid)),
    keep: (record) => checked(() => ticks.keep(record)),
    take: (tick) => checked(() => ticks.take(tick)),
    end: (uid, atMs, end) => checked(() => ticks.end(uid, atMs, end)),
    list: (uid, options) => checked(() => ticks.list(uid, options)),
    forget: (uid) => checked(() => ticks.forget(uid)),
  };
}
