/** How the job of a cron is done in a daemon: a task for an agent, or a call of a tool. */
import type { Supervisor } from "./agent/supervision.ts";
import type { CronJob, JobEnd, StartedJob, StartJob } from "./cron/contract.ts";
import { isStoreTrouble, passed } from "./cron/persistently.ts";
import { type ErrorData, errorData } from "./lib/errors.ts";
import { isObject, type JsonObject } from "./lib/json.ts";
import { isIdempotent } from "./manifest/function-schema.ts";
import { systemTimers, type Timers } from "./manifest/watch/timers.ts";
import type { View } from "./reconcile/view.ts";
import type { ResourceKey } from "./state/resource.ts";
import type { TickClaim, Ticks } from "./state/ticks.ts";
import type { Services } from "./turns/services.ts";

export interface CronJobsOptions {
  readonly supervisor: Supervisor;
  readonly services: Services;
  readonly view: View;
  readonly ticks: Ticks;
  readonly timers?: Timers;
}

export interface CronJobs {
  readonly start: StartJob;
  /** Lets calls of tools that run end within the grace time; what is left goes on with the next start. */
  close(graceMs: number): Promise<void>;
}

/** What one job is done with. */
interface Work {
  readonly options: CronJobsOptions;
  readonly job: CronJob;
  /** Aborted when the process ends. */
  readonly closing: AbortSignal;
  /** The tick is taken, and the job is kept. */
  onBegun(): void;
}

/** The lane of crons that name no conversation. */
const CONVERSATION = "cron";
/** How long a moment waits for an agent whose loop is only coming, as at the start of a busy machine. */
const LOOP_MS = 30_000;

/** Begins the jobs of crons; see StartJob. */
export function createCronJobs(options: CronJobsOptions): CronJobs {
  const closing = new AbortController();
  const calls = new Set<Promise<unknown>>();
  let isDraining = false;
  return {
    start(job) {
      // What would begin now would be cut off.
      if (isDraining) return notStarted;
      const begun = Promise.withResolvers<JobEnd | undefined>();
      const onBegun = () => begun.resolve(undefined);
      // The tick of one that goes on is taken already.
      if (job.isResumed) onBegun();
      const isCall = job.object.spec.agent === undefined;
      const work = { options, job, closing: closing.signal, onBegun };
      const ended = (isCall ? callTool(work) : tellAgent(work)).catch(endOf);
      if (isCall) {
        const call = ended.finally(() => calls.delete(call));
        calls.add(call);
      }
      const known = Promise.race([ended, closed(closing.signal)]);
      // What ends before it has begun says so to both who wait.
      void known.then(begun.resolve);
      return { begun: begun.promise, ended: known };
    },
    async close(graceMs) {
      isDraining = true;
      const grace = Promise.withResolvers<void>();
      const stop = systemTimers.after(graceMs, grace.resolve);
      await Promise.race([Promise.all(calls), grace.promise]);
      stop();
      closing.abort();
    },
  };
}

const notStarted: StartedJob = {
  begun: Promise.resolve({ type: "closing" }),
  ended: Promise.resolve({ type: "closing" }),
};

function endOf(error: unknown): JobEnd {
  const data = errorData(error);
  return data.code === "LEG2033" ? { type: "closing" } : { type: "failed", error: data };
}

function closed(signal: AbortSignal): Promise<JobEnd> {
  const { promise, resolve } = Promise.withResolvers<JobEnd>();
  signal.addEventListener("abort", () => resolve({ type: "closing" }), { once: true });
  if (signal.aborted) resolve({ type: "closing" });
  return promise;
}

/** Keeps the task for the agent in the transaction that takes the tick, and waits for what it comes to, also over several deliveries. */
async function tellAgent({ options, job, closing, onBegun }: Work): Promise<JobEnd> {
  const { cron, claim, id, task, object, isResumed, signal } = job;
  const { supervisor } = options;
  const { agent = "", conversation = CONVERSATION } = object.spec;
  const key = { kind: "Agent", namespace: cron.namespace, name: agent };
  const incoming = { id, task, conversation, from: `cron/${cron.name}`, tick: claim };
  await untilLoop(options, key, AbortSignal.any([closing, signal]), isResumed);
  if (closing.aborted) return { type: "closing" };
  if (signal.aborted && !isResumed) return { type: "cancelled", error: errorData(signal.reason) };
  // Of a tick that was begun before, the message is known: it is not kept a second time.
  const kept = { ...incoming, isKept: true } as const;
  const told = isResumed
    ? await insistently(options, () => supervisor.tell(key, kept), closing)
    : await supervisor.tell(key, { ...incoming, trigger: "cron" });
  if (told.dropped === "taken")
    return isResumed ? { type: "failed", error: forgotten } : { type: "taken" };
  if (told.dropped !== undefined) return { type: "dropped", error: notTaken[told.dropped] };
  onBegun();
  const isOver = new AbortController();
  const over = AbortSignal.any([isOver.signal, closing]);
  const takeBack = () => supervisor.cancelMessage(key, conversation, told.message);
  const cancel = () => void insistently(options, takeBack, over).catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  try {
    const ask = () => supervisor.ask(key, { ...kept, isPatient: true }, never);
    const { result } = await insistently(options, ask, closing);
    if (result.status === "ok") return { type: "ok" };
    const isCancelled = result.reason === "interrupted" || takenBack.has(result.error.code);
    return { type: isCancelled ? "cancelled" : "failed", error: result.error };
  } finally {
    isOver.abort();
    signal.removeEventListener("abort", cancel);
  }
}

const never = new AbortController().signal;

/** Nothing failed: a newer trigger took the place of the message, or a person ended its conversation. */
const takenBack: ReadonlySet<string> = new Set(["LEG2078", "LEG2079"]);

/** Tries again what a full disk or a locked database prevents, until it is over. */
async function insistently<T>(
  { timers = systemTimers }: CronJobsOptions,
  work: () => Promise<T>,
  over: AbortSignal,
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (over.aborted || !isStoreTrouble(errorData(error))) throw error;
      await passed(timers, RETRY_MS, over);
    }
  }
}
const RETRY_MS = 1_000;

/** Resolves when the agent has a loop; for a job that is new also when there is no such agent, or that takes too long. */
async function untilLoop(
  { supervisor, view, timers = systemTimers }: CronJobsOptions,
  key: ResourceKey,
  signal: AbortSignal,
  isResumed: boolean,
): Promise<void> {
  if (supervisor.state(key) !== undefined || signal.aborted) return;
  const resource = view.get(key);
  const isComing = resource !== undefined && resource.deletionTimestamp === undefined;
  if (!isComing && !isResumed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const forget = supervisor.onChange(() => supervisor.state(key) && resolve());
  const stop = isResumed ? () => {} : timers.after(LOOP_MS, resolve);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  forget();
  stop();
}

/** Calls the tool of a cron; of one that was begun by a process which died nobody knows whether it was done. */
async function callTool({ options, job, onBegun }: Work): Promise<JobEnd> {
  const { services, view, ticks } = options;
  const { cron, claim, id, object, isResumed, signal } = job;
  const { tool = "", arguments: given } = object.spec;
  if (isResumed && (await isTold(ticks, claim))) return { type: "failed", error: isOfAgent };
  if (isResumed && !isIdempotent(view.within(cron.namespace), tool))
    return { type: "failed", error: unknownCall(tool) };
  if (!isResumed && !(await ticks.take({ ...claim, state: "started" }))) return { type: "taken" };
  onBegun();
  const reply = await services.callTool({
    ...{ namespace: cron.namespace, caller: `cron/${cron.name}`, tool, signal },
    ...{ arguments: isObject(given) ? (given as JsonObject) : {}, idempotencyKey: id },
  });
  if (reply.ok) return { type: "ok" };
  return { type: signal.aborted ? "cancelled" : "failed", error: reply.error };
}

/** Whether a tick that was begun has a message: the cron was one of an agent then. */
async function isTold(ticks: Pick<Ticks, "list">, { uid, atMs }: TickClaim): Promise<boolean> {
  const started = await ticks.list(uid, { states: ["started"] });
  return started.some((tick) => tick.atMs === atMs && tick.message !== undefined);
}

const isOfAgent: ErrorData = {
  code: "LEG2794",
  message: "an agent has the task of this moment, and the cron was given to a tool meanwhile",
  hint: "legion runs list shows what the agent did; legion cron trigger calls the tool",
};

const forgotten: ErrorData = {
  code: "LEG2790",
  message: "the answer to its message came before the process ended, and is not on record any more",
  hint: "legion runs list --agent NAME shows what the agent did",
};

/** Why an agent did not take the message of a moment. */
const notTaken: Readonly<Record<"idle" | "overflow", ErrorData>> = {
  idle: {
    code: "LEG2793",
    message: "the task is just IDLE, which asks an agent for nothing",
    hint: "write a task for the agent, or suspend the cron",
  },
  overflow: {
    code: "LEG2791",
    message: "the agent has as many sessions as it may have",
    hint: "raise spec.maxConcurrentSessions of the agent, or set spec.overflow to coalesce or queue(n)",
  },
};

function unknownCall(tool: string): ErrorData {
  return {
    code: "LEG2792",
    message: `the process ended while ${tool} was called, and nobody knows whether that was done`,
    hint: "look whether it was, and run legion cron trigger if not; a function that is idempotent is called again by itself",
  };
}
