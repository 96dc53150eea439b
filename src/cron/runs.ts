import { errorData, LegionError } from "../lib/errors.ts";
import { textHash } from "../lib/hash.ts";
import { count } from "../lib/text.ts";
import type { Tick } from "../state/ticks.ts";
import type { CronJob, JobEnd, StartedJob } from "./contract.ts";
import { type DueTick, overlapOf } from "./decide.ts";
import {
  type CronContext,
  type CronLoop,
  endOf,
  isGone,
  isoTime,
  isResting,
  noteLast,
  type RunningTick,
  replacedRun,
  serially,
  tell,
} from "./loop.ts";
import { isStoreTrouble, persistently } from "./persistently.ts";

/** Starts a moment that is due, or whatever the overlap policy makes of it. */
export async function take(context: CronContext, loop: CronLoop, tick: DueTick): Promise<void> {
  const { running, waiting, cron } = loop;
  const load = { running: running.size, waiting: waiting.length };
  switch (overlapOf(cron.object.spec.overlap, tick.by, load)) {
    case "start":
      return begin(context, loop, tick);
    case "skip":
      return skip(context, loop, tick);
    case "wait":
      return wait(context, loop, tick);
    case "cancelAndWait":
      cancelRunning(loop);
      await leaveOutWaiting(context, loop);
      return wait(context, loop, tick);
    case "cancelAndStart":
      cancelRunning(loop);
      await leaveOutWaiting(context, loop);
      return begin(context, loop, tick);
  }
}

/** Begins a tick; what comes of it is kept when it has ended. */
export async function begin(
  context: CronContext,
  loop: CronLoop,
  tick: DueTick,
  from: "due" | "waiting" | "started" = "due",
): Promise<void> {
  if (isGone(context, loop)) return;
  const running: RunningTick = { ...tick, cancelling: new AbortController() };
  // It is there before it is begun, so that it can be cancelled.
  loop.running.set(tick.atMs, running);
  const { begun, ended } = started(context, loop, running, from === "started");
  const early = await begun;
  if (early !== undefined) {
    loop.running.delete(tick.atMs);
    if (!isEnd(early)) return;
    // A full disk is no failure of the run: it begins when the store works again.
    if (early.type === "failed" && isStoreTrouble(early.error)) throw new LegionError(early.error);
    const keeping = () => keepEnd(context, loop, tick, early);
    // A moment that nothing was kept of is undecided, and looked at again when the store works.
    await (from === "due" ? keeping() : persistently(context, loop, keeping));
    return tellEnded(context, loop, tick, early);
  }
  if (from !== "started") {
    const decidedMs = decidedBy(loop, tick);
    loop.record = { ...loop.record, decidedMs, runs: loop.record.runs + 1 };
    const message = `The run of ${isoTime(tick.atMs)} was started.`;
    tell(context, loop, { severity: "normal", reason: "Started", message });
  }
  noteLast(loop, { ...tick, state: "started" });
  void ended
    .then((end) => serially(loop, () => finish(context, loop, running, end)))
    .catch((error: unknown) => context.onError(error, loop.key));
}

function started(
  { start, clock }: CronContext,
  loop: CronLoop,
  { atMs, by, cancelling }: RunningTick,
  isResumed: boolean,
): StartedJob {
  const { key, uid, cron, plan, record } = loop;
  // The run that goes on is counted already.
  const number = record.runs + (isResumed ? 0 : 1);
  try {
    const job: CronJob = {
      ...{ cron: key, claim: { uid, atMs, by }, id: runId(uid, atMs), count: number, isResumed },
      ...{ object: cron.object, signal: cancelling.signal },
      task: plan.task({ tick: atMs, now: clock.now(), count: number }),
    };
    return start(job);
  } catch (error) {
    const end = Promise.resolve<JobEnd>({ type: "failed", error: errorData(error) });
    return { begun: end, ended: end };
  }
}

/** A ULID that every attempt at the tick comes to: its time is that of the tick, the rest follows from the cron. */
export function runId(uid: string, atMs: number): string {
  const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  let time = "";
  for (let left = Math.max(0, Math.floor(atMs)); time.length < 10; left = Math.floor(left / 32))
    time = `${digits[left % 32]}${time}`;
  const bytes = Buffer.from(textHash(`${uid} ${atMs}`), "hex").subarray(0, 16);
  return time + [...bytes].map((byte) => digits[byte % 32]).join("");
}

/** A job that came to its end before it was kept: its tick is taken here, or ended when it was taken before. */
async function keepEnd(
  { ticks }: CronContext,
  loop: CronLoop,
  tick: DueTick,
  end: RunEnd,
): Promise<void> {
  const { uid } = loop;
  if (!(await ticks.take({ uid, ...tick, ...stateOfEnd(end) })))
    await ticks.end(uid, tick.atMs, stateOfEnd(end));
  decided(loop, tick);
}

async function finish(
  context: CronContext,
  loop: CronLoop,
  tick: RunningTick,
  end: JobEnd,
): Promise<void> {
  loop.running.delete(tick.atMs);
  // When the process ends before, the next one goes on with it. An end that is known is kept even then.
  if (!isEnd(end) || loop.isRemoved) return;
  const known = stateOfEnd(end);
  await persistently(context, loop, () => context.ticks.end(loop.uid, tick.atMs, known));
  await tellEnded(context, loop, tick, end);
  await drain(context, loop);
  context.changed(loop.key);
}

/** Tells how a tick came to its end, and pauses where a failure is to pause. */
async function tellEnded(
  context: CronContext,
  loop: CronLoop,
  { atMs }: DueTick,
  end: RunEnd,
): Promise<void> {
  const { uid, cron } = loop;
  const known = stateOfEnd(end);
  const { reason } = known;
  noteLast(loop, { atMs, ...known });
  const [word, severity, what] = endings[end.type];
  const message = `The run of ${isoTime(atMs)} ${what}${reason === undefined ? "" : `: ${reason}`}.`;
  tell(context, loop, { severity, reason: word, message });
  if (end.type === "failed" && cron.object.spec.pauseOnFailure && reason !== undefined) {
    const paused = { reason, generation: cron.generation, at: isoTime(context.clock.now()) };
    loop.record = await persistently(context, loop, () => context.ticks.keep({ uid, paused }));
    const why = `It pauses after a run that failed, until it is resumed or its spec changes: ${reason}.`;
    tell(context, loop, { severity: "warning", reason: "Paused", message: why });
  }
  tellEnd(context, loop);
}

const endings = {
  ok: ["Succeeded", "normal", "succeeded"],
  failed: ["Failed", "warning", "failed"],
  cancelled: ["Cancelled", "normal", "was cancelled"],
  dropped: ["Dropped", "warning", "was not taken"],
} as const;

/** Tells once that it has ended, when nothing of it runs any more. */
export function tellEnd(context: CronContext, loop: CronLoop): void {
  const reason = endOf(loop);
  if (reason === undefined) loop.hasToldEnd = false;
  if (reason === undefined || loop.hasToldEnd || loop.running.size > 0) return;
  loop.hasToldEnd = true;
  tell(context, loop, { severity: "normal", reason: "Ended", message: `It has ended: ${reason}.` });
}

type RunEnd = Exclude<JobEnd, { readonly type: "taken" | "closing" }>;

/** Whether something came of it here: no other process has it or goes on with it. */
function isEnd(end: JobEnd): end is RunEnd {
  return end.type !== "taken" && end.type !== "closing";
}

function stateOfEnd(end: RunEnd): Pick<Tick, "state" | "reason"> {
  return end.type === "ok" ? { state: "ok" } : { state: end.type, reason: end.error.message };
}

/** Starts what waits, when nothing runs any more. */
export async function drain(context: CronContext, loop: CronLoop): Promise<void> {
  while (loop.running.size === 0 && !isGone(context, loop) && !isResting(loop)) {
    const { maxRuns = Number.POSITIVE_INFINITY } = loop.cron.object.spec;
    if (loop.record.runs >= maxRuns) return leaveOutWaiting(context, loop, "the cron has ended");
    const next = loop.waiting.shift();
    if (next === undefined) return;
    try {
      await persistently(context, loop, () => begin(context, loop, next, "waiting"));
    } catch (error) {
      // It waits on.
      if (!loop.running.has(next.atMs)) loop.waiting.unshift(next);
      throw error;
    }
  }
}

async function wait({ ticks }: CronContext, loop: CronLoop, tick: DueTick): Promise<void> {
  const isTaken = !(await ticks.take({ uid: loop.uid, ...tick, state: "waiting" }));
  decided(loop, tick);
  if (isTaken) return;
  loop.waiting.push(tick);
  noteLast(loop, { ...tick, state: "waiting" });
}

async function skip(context: CronContext, loop: CronLoop, tick: DueTick): Promise<void> {
  const { uid, running, waiting } = loop;
  const reason =
    waiting.length > 0
      ? `${count(waiting.length, "earlier moment")} waited for a run that went on`
      : "an earlier run still went on";
  const isTaken = !(await context.ticks.take({ uid, ...tick, state: "skipped", reason }));
  decided(loop, tick);
  if (isTaken) return;
  noteLast(loop, { ...tick, state: "skipped", reason });
  // Of the moments that one run has cost, the first is told.
  const cause = Math.max(0, ...running.keys());
  if (loop.toldSkippedFor === cause) return;
  loop.toldSkippedFor = cause;
  const message = `The moment ${isoTime(tick.atMs)} was skipped: ${reason}. Later ones are skipped silently until that run has ended.`;
  tell(context, loop, { severity: "normal", reason: "Skipped", message });
}

function cancelRunning(loop: CronLoop): void {
  for (const { cancelling } of loop.running.values()) cancelling.abort(replacedRun(loop.key));
}

async function leaveOutWaiting(
  { ticks }: CronContext,
  loop: CronLoop,
  reason = "a later moment took its place",
): Promise<void> {
  for (let tick = loop.waiting[0]; tick !== undefined; tick = loop.waiting[0]) {
    const end: Pick<Tick, "state" | "reason"> = { state: "skipped", reason };
    await ticks.end(loop.uid, tick.atMs, end);
    loop.waiting.shift();
    noteLast(loop, { ...tick, ...end });
  }
}

/** Up to where the schedule is decided with a tick. A moment that a person asked for is none of the schedule. */
function decidedBy({ record }: CronLoop, { by, atMs }: DueTick): number {
  return by === "person" ? record.decidedMs : Math.max(record.decidedMs, atMs);
}

function decided(loop: CronLoop, tick: DueTick): void {
  loop.record = { ...loop.record, decidedMs: decidedBy(loop, tick) };
}
