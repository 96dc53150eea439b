import { type Clock, systemClock } from "../lib/clock.ts";
import { systemTimers, type Timers } from "../manifest/watch/timers.ts";

export const BACKOFF_FIRST_MS = 1_000;
export const BACKOFF_MAX_MS = 300_000;
/** The longest wait that a timer can do. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The pause after so many failures in a row: 1 s doubling to 5 min, up to a fifth more or less, so that what failed together does not come back together. */
export function backoffMs(failures: number, random: () => number): number {
  const base = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.max(0, failures - 1));
  return base * (0.8 + 0.4 * random());
}

export interface DelayOptions {
  readonly clock?: Clock;
  readonly timers?: Timers;
  /** From 0 up to 1, for the jitter. */
  readonly random?: () => number;
}

/** One moment per key at which it is due, and how often it failed in a row. */
export interface Delays {
  /** The earliest of several moments counts. */
  after(key: string, ms: number): void;
  /** After the pause of one failure more. */
  afterFailure(key: string): void;
  /** It failed, and is tried again at once for another reason. */
  failed(key: string): void;
  /** Lets the next pause be the first one again. */
  forget(key: string): void;
  /** It is not due any more. */
  cancel(key: string): void;
  cancelAll(): void;
}

interface Alarm {
  readonly dueMs: number;
  readonly cancel: () => void;
}

/** Calls `due` with each key when its moment has come. */
export function createDelays(
  { clock = systemClock, timers = systemTimers, random = Math.random }: DelayOptions,
  due: (key: string) => void,
): Delays {
  const alarms = new Map<string, Alarm>();
  const failures = new Map<string, number>();

  function cancel(key: string): void {
    alarms.get(key)?.cancel();
    alarms.delete(key);
  }

  function after(key: string, ms: number): void {
    const delayMs = Math.min(Math.max(0, ms), TIMER_MS_MAX);
    const dueMs = clock.monotonic() + delayMs;
    const known = alarms.get(key);
    if (known !== undefined && known.dueMs <= dueMs) return;
    known?.cancel();
    const ring = () => {
      alarms.delete(key);
      due(key);
    };
    alarms.set(key, { dueMs, cancel: timers.after(delayMs, ring) });
  }

  const failed = (key: string) => failures.set(key, (failures.get(key) ?? 0) + 1);

  return {
    after,
    afterFailure(key) {
      failed(key);
      after(key, backoffMs(failures.get(key) ?? 1, random));
    },
    failed,
    forget: (key) => void failures.delete(key),
    cancel,
    cancelAll() {
      for (const key of [...alarms.keys()]) cancel(key);
    },
  };
}
