/** Wakes an agent from time to time. */
export interface HeartbeatPolicy {
  readonly everyMs: number;
  /** Percent of the time between two by which each is put off at the most. */
  readonly jitter: number;
  readonly task: string;
  readonly when: "changed" | "always";
}

/** No heartbeat comes more often, whatever a manifest says. */
export const HEARTBEAT_MS_MIN = 1_000;

/** Milliseconds until the next heartbeat; `random` is from 0 to below 1. */
export function heartbeatDelay({ everyMs, jitter }: HeartbeatPolicy, random: number): number {
  const every = Math.max(HEARTBEAT_MS_MIN, everyMs);
  return every + Math.floor((every * jitter * random) / 100);
}

/** Whether a heartbeat that is due is sent. One that still waits or runs is enough; an agent that has no turns needs none. */
export function isHeartbeatSent(
  { when }: HeartbeatPolicy,
  now: {
    readonly isRunning: boolean;
    readonly isLaneBusy: boolean;
    /** How much had happened when the last one was sent; undefined before the first. */
    readonly seen: number | undefined;
    readonly happened: number;
  },
): boolean {
  if (!now.isRunning || now.isLaneBusy) return false;
  return when === "always" || now.seen !== now.happened;
}
