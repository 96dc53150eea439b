import { LegionError } from "../../lib/errors.ts";
import type { Timers } from "../../manifest/watch/timers.ts";
import type { Loop, Supervision } from "./loop.ts";

/** How long a turn that was aborted may take to end; then nobody waits for it any more. */
export const ABORT_MS = 2_000;
/** Delays between attempts to read or write the inbox. */
export const RETRY_MS = 1_000;
const RETRY_MS_MAX = 30_000;
/** A timer of the system cannot be set to more than 24.8 days. */
const TIMER_MS_MAX = 24 * 60 * 60 * 1000;

/** Whether the promise settled before the time was over, or before the signal was aborted. */
export async function settledWithin(
  timers: Timers,
  ms: number,
  promise: Promise<unknown>,
  signal?: AbortSignal,
): Promise<boolean> {
  const { promise: over, resolve } = Promise.withResolvers<boolean>();
  const stop = () => resolve(false);
  const cancel = timers.after(ms, stop);
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  const done = () => true;
  try {
    return await Promise.race([promise.then(done, done), over]);
  } finally {
    cancel();
    signal?.removeEventListener("abort", stop);
  }
}

/** Runs something after a time of any length; returns what prevents it. */
export function later(timers: Timers, ms: number, run: () => void): () => void {
  let cancel = () => {};
  const wait = (leftMs: number) => {
    const stepMs = Math.min(leftMs, TIMER_MS_MAX);
    cancel = timers.after(stepMs, () => (leftMs > stepMs ? wait(leftMs - stepMs) : run()));
  };
  wait(ms);
  return () => cancel();
}

/** Whether this process does not own the state any more: another one goes on with it. */
export function isFenced(error: unknown): boolean {
  return error instanceof LegionError && error.code === "LEG6022";
}

/** Whether the store could not work for now: a full disk, a locked database. */
export function isStoreTrouble(error: unknown): boolean {
  return error instanceof LegionError && /^LEG600[1-5]$/.test(error.code);
}

/** Works on what is stored until it succeeds: a full disk makes agents wait and loses nothing (R05). It rejects when the process closes, or does not own the state any more, or for an error that does not pass. */
export async function persistently<T>(
  { timers, closing, onError }: Supervision,
  loop: Loop,
  work: () => Promise<T>,
  passes: (error: unknown) => boolean = () => true,
): Promise<T> {
  for (let delayMs = RETRY_MS; ; delayMs = Math.min(2 * delayMs, RETRY_MS_MAX)) {
    try {
      return await work();
    } catch (error) {
      if (isFenced(error) || closing.signal.aborted || !passes(error)) throw error;
      onError(error, loop.key);
    }
    await settledWithin(timers, delayMs, new Promise<never>(() => {}), closing.signal);
  }
}
