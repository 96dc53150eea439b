/** What becomes of triggers when as many sessions run as may. */
export type Overflow =
  | { readonly type: "drop" }
  | { readonly type: "coalesce" }
  | { readonly type: "queue"; readonly max: number };

/** Reads `drop`, `coalesce` or `queue(n)`; anything else is drop, which is the default. */
export function parseOverflow(text: string): Overflow {
  const [, max] = /^queue\(([1-9][0-9]{0,3})\)$/.exec(text) ?? [];
  if (max !== undefined) return { type: "queue", max: Number(max) };
  return { type: text === "coalesce" ? "coalesce" : "drop" };
}

/** How busy an agent is when a trigger comes. */
export interface SessionLoad {
  /** Conversations that have a turn. */
  readonly running: number;
  /** Triggers that were let in and wait. */
  readonly waiting: number;
  /** Those of them that wait in the lane of the new one. */
  readonly waitingInLane: number;
  /** The most sessions at once. */
  readonly max: number;
}

/** Whether a trigger is let in, is dropped, or takes the place of those that wait in its lane. */
export function admitTrigger(
  overflow: Overflow,
  { running, waiting, waitingInLane, max }: SessionLoad,
): "admit" | "drop" | "replace" {
  if (running + waiting < max) return "admit";
  if (overflow.type === "drop") return "drop";
  if (overflow.type === "coalesce") return waitingInLane > 0 ? "replace" : "admit";
  return waiting < overflow.max ? "admit" : "drop";
}
