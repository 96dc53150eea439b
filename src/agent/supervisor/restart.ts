/** How an agent goes on after a fault, in milliseconds. */
export interface RestartLimits {
  readonly policy: "permanent" | "transient" | "temporary";
  readonly maxRestarts: number;
  readonly withinMs: number;
  readonly delayMs: number;
  readonly delayMsMax: number;
  readonly healthyAfterMs: number;
}

/** The faults of an agent, on a clock that never jumps. */
export interface Faults {
  /** When the ones that count for the intensity were, oldest first. */
  readonly atMs: readonly number[];
  /** How many came without a healthy time between them. */
  readonly inARow: number;
}

export const noFaults: Faults = { atMs: [], inARow: 0 };

export type AfterFault =
  | { readonly type: "restart"; readonly delayMs: number; readonly faults: Faults }
  | { readonly type: "stop"; readonly reason: string };

/** What follows a fault: the next turn after a delay that doubles, or the end when there were too many of them. */
export function afterFault(limits: RestartLimits, before: Faults, nowMs: number): AfterFault {
  const { policy, maxRestarts, withinMs, delayMs, delayMsMax, healthyAfterMs } = limits;
  // An agent that ended by a fault did not end normally: transient goes on as permanent does.
  if (policy === "temporary") return { type: "stop", reason: "restart policy temporary" };
  const atMs = [...before.atMs.filter((at) => nowMs - at < withinMs), nowMs];
  if (atMs.length > maxRestarts) return { type: "stop", reason: "restart intensity" };
  const last = before.atMs.at(-1);
  const isHealthy = last === undefined || nowMs - last >= healthyAfterMs;
  const inARow = isHealthy ? 1 : before.inARow + 1;
  const delay = Math.min(delayMs * 2 ** Math.min(inARow - 1, DOUBLINGS_MAX), delayMsMax);
  return { type: "restart", delayMs: delay, faults: { atMs, inARow } };
}

/** Beyond this no delay is shorter than its maximum, and the numbers stay numbers. */
const DOUBLINGS_MAX = 30;
