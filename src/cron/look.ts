import { count } from "../lib/text.ts";
import { type Due, dueOf, LATE_MS } from "./decide.ts";
import {
  type CronContext,
  type CronLoop,
  endOf,
  isGone,
  isoTime,
  isResting,
  noteLast,
  serially,
  tell,
} from "./loop.ts";
import { isFenced } from "./persistently.ts";
import { drain, take, tellEnd } from "./runs.ts";

/** It sleeps at most so long and then looks at the wall clock again, as that may have been set. */
export const SLEEP_MS_MAX = 30_000;
const RETRY_MS = 1_000;

/** Does what is due now, and sets the timer for what comes next. Failures are told; it is tried again later. */
export async function look(context: CronContext, loop: CronLoop): Promise<void> {
  loop.stopTimer?.();
  delete loop.stopTimer;
  if (isGone(context, loop)) return;
  try {
    await decideNow(context, loop);
    loop.failures = 0;
  } catch (error) {
    context.onError(error, loop.key);
    // Another process goes on with it.
    if (isFenced(error)) return;
    loop.failures += 1;
  }
  sleep(context, loop);
}

function sleep(context: CronContext, loop: CronLoop): void {
  if (isGone(context, loop) || (endOf(loop) !== undefined && !isResting(loop))) return;
  const { next } = loop;
  const nowMs = context.clock.now();
  const dueMs = typeof next === "object" && !isResting(loop) ? next.dueMs : nowMs + SLEEP_MS_MAX;
  const leastMs = loop.failures === 0 ? 1 : RETRY_MS * 2 ** Math.min(loop.failures - 1, 5);
  const delayMs = Math.min(Math.max(dueMs - nowMs, leastMs), SLEEP_MS_MAX);
  loop.stopTimer = context.timers.after(delayMs, () => {
    delete loop.stopTimer;
    if (isIdle(context, loop)) return sleep(context, loop);
    void serially(loop, () => look(context, loop));
  });
}

/** Whether nothing can have become due: what comes next follows from what was decided. */
function isIdle({ clock }: CronContext, loop: CronLoop): boolean {
  const { next, record } = loop;
  const nowMs = clock.now();
  if (isResting(loop) || typeof next !== "object" || loop.failures > 0) return false;
  return nowMs < next.dueMs && (nowMs >= record.decidedMs - LATE_MS || loop.hasToldClock);
}

async function decideNow(context: CronContext, loop: CronLoop): Promise<void> {
  const { plan, cron, uid } = loop;
  const { ticks, clock } = context;
  const nowMs = clock.now();
  loop.record = (await ticks.record(uid)) ?? loop.record;
  if (isResting(loop)) return restUntil(context, loop, nowMs);
  tellClock(context, loop, nowMs);
  const { decidedMs } = loop.record;
  const policy = { ...cron.object.spec, windowMs: plan.windowMs };
  const due = dueOf(plan.moments, policy, { decidedMs, nowMs });
  await drain(context, loop);
  if (due.missed !== undefined && endOf(loop) === undefined) await miss(context, loop, due.missed);
  for (const tick of due.ticks) {
    // What one run has changed counts for the next.
    if (isGone(context, loop) || isResting(loop) || isSpent(loop)) break;
    await take(context, loop, tick);
  }
  loop.next = due.next ?? "over";
  tellEnd(context, loop);
  if (due.ticks.length > 0 || due.missed !== undefined || due.next === undefined)
    context.changed(loop.key);
}

function isSpent({ cron, record }: CronLoop): boolean {
  const { maxRuns } = cron.object.spec;
  return maxRuns !== undefined && record.runs >= maxRuns;
}

/** Moments that go by while it rests are decided, and nothing comes of them. */
export async function restUntil(
  { ticks }: CronContext,
  loop: CronLoop,
  nowMs: number,
): Promise<void> {
  const passedMs = loop.plan.moments.schedule.previous(nowMs + 1);
  if (passedMs === undefined || passedMs <= loop.record.decidedMs) return;
  loop.record = await ticks.keep({ uid: loop.uid, decidedMs: passedMs });
}

async function miss(
  context: CronContext,
  loop: CronLoop,
  { count: number, isMore, lastMs }: NonNullable<Due["missed"]>,
): Promise<void> {
  const { catchup } = loop.cron.object.spec;
  const amount = isMore ? `more than ${count(number, "moment")}` : count(number, "moment");
  const why = catchup === "none" ? "catchup is none" : "catchup takes no more, or none that old";
  const reason = `${amount} went by while no daemon ran or the clock was set ahead; ${why}`;
  const missed = { uid: loop.uid, atMs: lastMs, by: "schedule", state: "missed", reason } as const;
  const isTaken = !(await context.ticks.take({ ...missed, decidedMs: lastMs }));
  loop.record = { ...loop.record, decidedMs: Math.max(loop.record.decidedMs, lastMs) };
  if (isTaken) return;
  noteLast(loop, missed);
  const message = `${amount[0]?.toUpperCase()}${amount.slice(1)} up to ${isoTime(lastMs)} went by and will not run: ${why}.`;
  tell(context, loop, { severity: "warning", reason: "Missed", message });
}

/** A clock that was set back makes it wait, as each moment comes once only. */
function tellClock(context: CronContext, loop: CronLoop, nowMs: number): void {
  const { decidedMs } = loop.record;
  const isBack = nowMs < decidedMs - LATE_MS;
  if (isBack && !loop.hasToldClock) {
    const message = `The clock was set back to ${isoTime(nowMs)}: everything up to ${isoTime(decidedMs)} is decided, and the schedule goes on after that. To have it go on at once, delete the cron and apply it again.`;
    tell(context, loop, { severity: "warning", reason: "ClockSetBack", message });
  }
  loop.hasToldClock = isBack;
}
