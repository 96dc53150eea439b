import { STEPS_MAX } from "./bounds.ts";
import type { Ring } from "./history.ts";
import { Fault, type Value } from "./values.ts";

/** What one evaluation stands on. It is made once and used again, so that an evaluation allocates nothing of its own. */
export interface Frame {
  /** The values of the roots that the program uses, by their slot. */
  readonly roots: Value[];
  /** The elements that list functions are at, the innermost last. */
  readonly locals: Value[];
  /** The history of each history call. */
  readonly rings: Ring[];
  nowMs: number;
  steps: number;
}

export type Closure = (frame: Frame) => Value;

export const tooManySteps = new Fault(`more than ${STEPS_MAX} steps in one evaluation`);

/** Takes steps from the budget of the evaluation; false when it is used up. */
export function spend(frame: Frame, steps: number): boolean {
  frame.steps += steps;
  return frame.steps <= STEPS_MAX;
}

/** What looking for one text in another may cost: in the worst case their lengths multiply. */
export function searchSteps(text: string, part: string): number {
  return (text.length >> 10) + Math.ceil((text.length * part.length) / 4096);
}
