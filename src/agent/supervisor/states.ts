import { LegionError } from "../../lib/errors.ts";
import { titleOf } from "../../manifest/plan-text.ts";
import type { LifecycleState } from "../../state/lifecycles.ts";
import type { ResourceKey } from "../../state/resource.ts";

/** From each state, the states that an agent can be moved to. */
export const lifecycleEdges = {
  running: ["paused", "stopped", "terminated"],
  paused: ["running", "stopped", "terminated"],
  stopped: ["running", "terminated"],
  terminated: [],
} as const satisfies Record<LifecycleState, readonly LifecycleState[]>;

/** Why an agent cannot be moved so; undefined when it can. */
export function refusedMove(
  key: ResourceKey,
  from: LifecycleState,
  to: LifecycleState,
): LegionError | undefined {
  const valid: readonly LifecycleState[] = lifecycleEdges[from];
  if (valid.includes(to)) return undefined;
  const title = titleOf(key);
  const message =
    from === to ? `${title} is ${from} already` : `${title} is ${from} and cannot become ${to}`;
  const hint =
    valid.length > 0
      ? `from ${from} it can become: ${valid.join(", ")}`
      : `terminated is for good: delete it, then run legion graveyard restore ${key.namespace}/${key.name}, or apply it again`;
  return new LegionError({ code: "LEG2070", message, hint, valid });
}
