import { type ErrorData, LegionError } from "../../lib/errors.ts";
import { formatDuration } from "../../lib/quantities.ts";
import { suggest } from "../../lib/suggest.ts";
import { count } from "../../lib/text.ts";
import type { Cancelled } from "./combine.ts";
import type { brokenLimit } from "./seats.ts";

/** The error of an agent that is not among those that another one may give work to. */
export function notInTeam(parent: string, name: string, valid: readonly string[]): LegionError {
  const near = suggest(name, valid);
  const hint =
    near !== undefined
      ? `did you mean "${near}"?`
      : valid.length > 0
        ? `use one of: ${valid.join(", ")}`
        : `add it to spec.agents of agent "${parent}"`;
  const message = `agent "${parent}" has no agent "${name}" to give work to`;
  return new LegionError({ code: "LEG2090", message, hint, valid });
}

/** The error of an agent that spec.agents lists and that has been deleted since. */
export function goneFromTeam(name: string, valid: readonly string[]): LegionError {
  return new LegionError({
    code: "LEG2090",
    message: `the agent "${name}" is not there any more`,
    hint: "give the work to another agent, or do it yourself",
    valid: valid.filter((each) => each !== name),
  });
}

/** The error of a sub-agent that would be one too many. */
export function limitError({ limit, of }: NonNullable<ReturnType<typeof brokenLimit>>) {
  const allowed = of.limits[limit];
  const isDepth = limit === "maxDepth";
  const what = isDepth
    ? `agent "${of.agent}" may have ${count(allowed, "level")} of agents below it, and this would be one more`
    : `the turn of agent "${of.agent}" has started ${count(allowed, "run")} of sub-agents, the most that it may`;
  return new LegionError({
    code: isDepth ? "LEG2091" : "LEG2092",
    message: what,
    hint: `do the work without another agent, or raise spec.team.${limit} of agent "${of.agent}"`,
  });
}

/** Why the agents of a turn end with it. */
export function parentEnded(agent: string, run: string): LegionError {
  return new LegionError({
    code: "LEG2094",
    message: `the turn of agent "${agent}" that had started this one has ended (run ${run})`,
    hint: "nothing is left to do for it; a parent that needs an answer waits for it with call or tell",
  });
}

/** Why the agents of a turn end for now, as they do with the process: the turn goes on later, and they with it. */
export function parentSuspended(agent: string, run: string): LegionError {
  return new LegionError({
    code: "LEG2033",
    message: `the turn of agent "${agent}" that had started this one goes on later (run ${run})`,
    hint: "nothing is to be done: this one goes on with it",
  });
}

/** Why one of several that worked in parallel was ended. */
export function siblingStopped(): LegionError {
  return new LegionError({
    code: "LEG2093",
    message: "stopped, because another one of those that worked in parallel was cancelled",
    hint: "look at the cancel that the parallel call gave",
  });
}

/** Why a sub-agent ended before it had answered. */
export function stoppedByParent(): LegionError {
  return new LegionError({
    code: "LEG2098",
    message: "the agent that had started this one stopped it, or no longer waited for it",
    hint: "await every call before the code ends; start it again when its work is needed",
  });
}

export function unknownId(id: string, valid: readonly string[]): LegionError {
  const hint =
    valid.length > 0
      ? `use one of: ${valid.join(", ")}`
      : "start one first: const helper = await agents.start(name)";
  const message = `no agent was started under the id "${id}"`;
  return new LegionError({ code: "LEG2095", message, hint, valid });
}

export function tooManyWait(id: string, most: number): LegionError {
  return new LegionError({
    code: "LEG2099",
    message: `${count(most, "message")} wait for the agent "${id}" already`,
    hint: "wait for answers with tell, or start more agents and share the work among them",
  });
}

/** The cancel of several that were not done in time. */
export function parallelTimedOut(timeoutMs: number): Cancelled {
  const error = {
    code: "LEG2022",
    message: `the parallel tasks were not finished within ${formatDuration(timeoutMs)}`,
    hint: "give them more time, or less to do",
  };
  return { status: "cancel", reason: "timeout", error };
}

/** An error as what an agent's code gets in place of an answer. */
export function cancelledBy(reason: string, { code, message, hint }: ErrorData): Cancelled {
  return { status: "cancel", reason, error: { code, message, hint } };
}
