import type { Step } from "./plan.ts";
import { titleOf } from "./plan-text.ts";

/** The steps with a note on each object that seems to have changed its name only: one deleted, one created, the specs equal. */
export function withRenames(steps: readonly Step[]): readonly Step[] {
  const deleted = Map.groupBy(
    steps.filter(({ change }) => change.action === "delete").toSorted(byTitle),
    likeness,
  );
  if (deleted.size === 0) return steps;
  const noted = new Map<Step, string>();
  for (const made of steps.filter(({ change }) => change.action === "create").toSorted(byTitle)) {
    const gone = deleted.get(likeness(made))?.shift();
    if (gone === undefined) continue;
    noted.set(gone, `${titleOf(made.change)} has the same spec: a rename?`);
    noted.set(
      made,
      `${titleOf(gone.change)} had the same spec: a rename? What it remembers does not move`,
    );
  }
  return steps.map((step) => {
    const note = noted.get(step);
    if (note === undefined) return step;
    return { ...step, change: { ...step.change, notes: [...(step.change.notes ?? []), note] } };
  });
}

function likeness({ change, specHash }: Step): string {
  return `${change.kind} ${specHash()}`;
}

/** By name, so that the order in which objects are given does not decide which are paired. */
function byTitle(a: Step, b: Step): number {
  return titleOf(a.change) < titleOf(b.change) ? -1 : 1;
}
