import { frameAt, positionAt } from "./position.ts";
import type { Problem } from "./problems.ts";

/** A problem with its place as people count it, and the line with carets under it. */
export interface PlacedProblem extends Problem {
  readonly line: number;
  readonly column: number;
  readonly frame: readonly [string, string];
}

export function placed(source: string, problems: readonly Problem[]): readonly PlacedProblem[] {
  return problems.map((each) => ({
    ...each,
    ...positionAt(source, each.start),
    frame: frameAt(source, each.start, each.end),
  }));
}
