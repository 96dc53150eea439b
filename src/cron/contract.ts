import type { ErrorData } from "../lib/errors.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { Tick, TickClaim } from "../state/ticks.ts";

/** One generation of a cron. */
export interface CronGeneration {
  readonly uid: string;
  readonly generation: number;
  readonly object: ManifestObject<"Cron">;
  /** ISO 8601, UTC: nothing before it is caught up. */
  readonly createdAt: string;
}

/** How a cron stands. Moments are ISO 8601, UTC. */
export interface CronState {
  readonly uid: string;
  readonly generation: number;
  /** ended: no moment is left, or maxRuns was reached. paused: after a failure. */
  readonly state: "waiting" | "running" | "suspended" | "paused" | "ended";
  /** Why, for paused and ended. */
  readonly reason?: string;
  /** The next moment, with its jitter. */
  readonly next?: string;
  readonly runs: number;
  /** Ticks that run, and those that wait for them. */
  readonly running: number;
  readonly queued: number;
  /** The newest one that something came of. */
  readonly last?: Pick<Tick, "state" | "reason"> & { readonly at: string };
}

/** What a cron has somebody do. */
export interface CronJob {
  readonly cron: ResourceKey;
  readonly claim: TickClaim;
  /** Of the run; the same for every attempt at this tick. */
  readonly id: string;
  /** How many runs there were with this one. */
  readonly count: number;
  /** The tick was started by a process that ended. */
  readonly isResumed: boolean;
  readonly object: ManifestObject<"Cron">;
  /** The task with its holes filled; for an agent. */
  readonly task: string;
  /** Cancels the run. */
  readonly signal: AbortSignal;
}

/** How a job came to its end. taken: another process has the tick. closing: the process ends, and the next one goes on with it. */
export type JobEnd =
  | { readonly type: "ok" }
  | { readonly type: "failed" | "cancelled" | "dropped"; readonly error: ErrorData }
  | { readonly type: "taken" | "closing" };

/** A job that was begun. It never rejects. */
export interface StartedJob {
  /** Settles when the tick is taken and the job is kept, both in one transaction, or with how it came to its end before. */
  readonly begun: Promise<JobEnd | undefined>;
  readonly ended: Promise<JobEnd>;
}

/** Begins a job; the composition root says how. */
export type StartJob = (job: CronJob) => StartedJob;

/** The crons of one process. Keys are those of Cron objects. */
export interface Crons {
  /** Starts a cron or goes on with another generation: what was decided stays decided, so no moment comes twice. Doing it again changes nothing. */
  ensure(cron: CronGeneration): Promise<CronState>;
  /** Ends one, cancels what it runs, and forgets all of it. */
  remove(key: ResourceKey, uid: string): Promise<void>;
  state(key: ResourceKey): CronState | undefined;
  states(): readonly { readonly key: ResourceKey; readonly state: CronState }[];
  /** Runs it now, whatever the schedule says, under its overlap policy. LEG2780 for one that is not there. */
  trigger(key: ResourceKey): Promise<Tick>;
  /** Ends a pause; false when it did not pause. */
  resume(key: ResourceKey): Promise<boolean>;
  /** Newest first. */
  ticks(key: ResourceKey, limit: number): Promise<readonly Tick[]>;
  onChange(listener: (key: ResourceKey) => void): () => void;
  /** Starts nothing any more; what runs goes on with the next start. */
  close(): Promise<void>;
}
