import { type ErrorData, LegionError } from "../../lib/errors.ts";
import { formatDuration } from "../../lib/quantities.ts";
import { titleOf } from "../../manifest/plan-text.ts";
import { noUsage } from "../../router/contract.ts";
import { MESSAGE_ATTEMPTS_MAX, MESSAGES_PER_AGENT_MAX } from "../../state/inbox.ts";
import type { ResourceKey } from "../../state/resource.ts";
import type { CancelReason, TurnResult } from "../contract.ts";
import type { AgentGeneration, LoopState, Why } from "../supervision.ts";

/** The result of a turn that the supervisor ended itself, or that never began. */
export function cancelled(
  { object }: AgentGeneration,
  reason: CancelReason,
  error: ErrorData,
  figures: { readonly run: string; readonly durationMs?: number },
): TurnResult {
  const { run, durationMs = 0 } = figures;
  const { name: agent, spec } = object;
  const counted = { iterations: 0, evaluations: 0, retries: 0, toolCalls: 0, usage: noUsage };
  const told = { agent, run, model: spec.model, durationMs, ...counted };
  return { status: "cancel", reason, error, ...told };
}

export function noLoop(key: ResourceKey): LegionError {
  return new LegionError({
    code: "LEG2030",
    message: `${titleOf(key)} does not run`,
    hint: `see legion describe ${titleOf(key)} for why, or legion get agents for those that run`,
  });
}

export function beingDeleted(key: ResourceKey): LegionError {
  return new LegionError({
    code: "LEG2031",
    message: `${titleOf(key)} is being deleted and takes no more messages`,
    hint: "send the message to another agent, or apply the manifest again",
  });
}

/** Why a message that was taken has no answer: its agent was deleted, and others came before it. */
export function notAnswered(key: ResourceKey): LegionError {
  return new LegionError({
    code: "LEG2031",
    message: `${titleOf(key)} was deleted before it came to this message`,
    hint: "send the message to another agent",
  });
}

/** Why a turn did not come to its end: its agent was deleted. */
export function endedByDeletion(key: ResourceKey, graceMs: number): LegionError {
  return new LegionError({
    code: "LEG2031",
    message: `the turn was ended: ${titleOf(key)} was deleted, and its grace period of ${formatDuration(graceMs)} was over`,
    hint: "raise spec.terminationGracePeriod if its turns take longer, or send the message to another agent",
  });
}

export function inboxFull(key: ResourceKey): LegionError {
  return new LegionError({
    code: "LEG2032",
    message: `${MESSAGES_PER_AGENT_MAX} messages wait for ${titleOf(key)} already`,
    hint: "wait until it has answered some of them, then send the message again",
  });
}

export function shuttingDown(): LegionError {
  return new LegionError({
    code: "LEG2033",
    message: "the daemon is shutting down; messages that it has taken are kept",
    hint: "start it again with `legion up`: what is kept is answered then",
  });
}

/** Why an agent takes no messages in its present state; undefined when it does. */
export function notTaken(
  key: ResourceKey,
  lifecycle: LoopState["lifecycle"],
): LegionError | undefined {
  const { state, reason } = lifecycle;
  const title = titleOf(key);
  const because = reason === "" ? "" : `: ${reason}`;
  if (state === "stopped") {
    return new LegionError({
      code: "LEG2071",
      message: `${title} is stopped and takes no messages${because}`,
      hint: `run legion resume ${title}, then send the message again`,
    });
  }
  return state === "terminated" ? isTerminated(key, because) : undefined;
}

/** Why a turn or a message of a terminated agent has no answer. */
export function isTerminated(key: ResourceKey, because = ""): LegionError {
  return new LegionError({
    code: "LEG2072",
    message: `${titleOf(key)} is terminated${because}`,
    hint: "send the message to another agent",
  });
}

export function interruptedBy(key: ResourceKey): LegionError {
  return new LegionError({
    code: "LEG2073",
    message: `the turn of ${titleOf(key)} was interrupted by a person`,
    hint: "send the message again if it is still wanted",
  });
}

export function allStopped({ reason, actor }: Why): LegionError {
  return new LegionError({
    code: "LEG2074",
    message: `${actor} stopped all agents: ${reason}`,
    hint: "resume the agent with legion resume, then send the message again",
  });
}

export function deadLetter(key: ResourceKey, message: string, cause: string): LegionError {
  return new LegionError({
    code: "LEG2077",
    message: `the message ${message} of ${titleOf(key)} is a dead letter: ${cause}`,
    hint: "see legion inbox dead, and put it back with legion inbox redrive when the cause is mended",
  });
}

export function conversationEnded(key: ResourceKey, conversation: string): LegionError {
  return new LegionError({
    code: "LEG2078",
    message: `the conversation "${conversation}" of ${titleOf(key)} was ended`,
    hint: "send the message again to begin a new one",
  });
}

export function replacedTrigger(key: ResourceKey): LegionError {
  return new LegionError({
    code: "LEG2079",
    message: `a newer trigger of ${titleOf(key)} took the place of this one`,
    hint: "nothing is to be done; spec.overflow says how many are kept",
  });
}

/** Why a message that ended its process so often is not tried again. */
export function diedTooOften(): string {
  return `the process ended ${MESSAGE_ATTEMPTS_MAX} times while it was answered`;
}

export function nothingToResume(run: string, why: string): LegionError {
  return new LegionError({
    code: "LEG2076",
    message: `there is nothing to go on with for run ${run}: ${why}`,
    hint: "send the task again with legion tell",
  });
}
