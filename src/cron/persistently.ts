import { LegionError } from "../lib/errors.ts";
import type { Timers } from "../manifest/watch/timers.ts";
import { type CronContext, type CronLoop, isGone } from "./loop.ts";

const RETRY_MS = 1_000;
const RETRY_MS_MAX = 30_000;

/** Whether this process does not own the state any more: another one goes on with it. */
export function isFenced(error: unknown): boolean {
  return error instanceof LegionError && error.code === "LEG6022";
}

/** Whether the store could not work for now: a full disk, a locked database. */
export function isStoreTrouble({ code }: Pick<LegionError, "code">): boolean {
  return /^LEG600[1-5]$/.test(code);
}

/** Works on what is stored until it succeeds: a full disk makes a cron wait and loses nothing (R05). It rejects when the process closes, the cron is removed, or the state is owned by another process. */
export async function persistently<T>(
  context: CronContext,
  loop: CronLoop,
  work: () => Promise<T>,
): Promise<T> {
  for (let delayMs = RETRY_MS; ; delayMs = Math.min(2 * delayMs, RETRY_MS_MAX)) {
    try {
      return await work();
    } catch (error) {
      if (isFenced(error) || isGone(context, loop)) throw error;
      context.onError(error, loop.key);
    }
    await passed(context.timers, delayMs, context.closing.signal);
  }
}

/** Resolves when the time is over, or the signal is aborted. */
export function passed(timers: Timers, ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = timers.after(ms, resolve);
  const stop = () => {
    cancel();
    resolve();
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  return promise.finally(() => signal.removeEventListener("abort", stop));
}
