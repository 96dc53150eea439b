import type { Trigger } from "./ast.ts";
import { isInside } from "./windows.ts";

/** What can hold a fire back, in the order in which they are asked. */
export const gates = ["once", "unless", "window", "cooldown", "at most"] as const;
export type Gate = (typeof gates)[number];

/** The fires that went through. */
export interface Fires {
  readonly count: number;
  readonly lastMs?: number;
  /** The moments of those that `at most` still counts. */
  readonly recent: readonly number[];
}

export interface GateQuestion {
  readonly trigger: Trigger;
  readonly fires: Fires;
  readonly nowMs: number;
  /** The time zone of windows that name none. */
  readonly zone: string;
  readonly isFiring: (watcher: string) => boolean;
}

const closedBy: Readonly<Record<Gate, (question: GateQuestion) => boolean>> = {
  once: ({ trigger, fires }) => trigger.once !== undefined && fires.count > 0,
  unless: ({ trigger, isFiring }) => trigger.unless !== undefined && isFiring(trigger.unless.name),
  window: ({ trigger, nowMs, zone }) =>
    (trigger.between !== undefined && !isInside(trigger.between, nowMs, zone)) ||
    trigger.except.some((window) => isInside(window, nowMs, zone)),
  cooldown: ({ trigger, fires, nowMs }) =>
    trigger.cooldown !== undefined &&
    fires.lastMs !== undefined &&
    nowMs - fires.lastMs < trigger.cooldown.ms,
  "at most": ({ trigger, fires, nowMs }) => {
    const limit = trigger["at most"];
    if (limit === undefined) return false;
    return fires.recent.filter((at) => at > nowMs - limit.per.ms).length >= limit.count;
  },
};

/** The first gate that is closed for a fire now. */
export function closedGate(question: GateQuestion): Gate | undefined {
  return gates.find((gate) => closedBy[gate](question));
}

/** The fires with one more; only as many moments are kept as the trigger counts. */
export function withFire({ count, recent }: Fires, trigger: Trigger, nowMs: number): Fires {
  const limit = trigger["at most"];
  const kept =
    limit === undefined
      ? []
      : [...recent, nowMs].filter((at) => at > nowMs - limit.per.ms).slice(-limit.count);
  return { count: count + 1, lastMs: nowMs, recent: kept };
}
