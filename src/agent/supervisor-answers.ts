import { type ErrorData, LegionError } from "../lib/errors.ts";
import { formatDuration } from "../lib/quantities.ts";
import { titleOf } from "../manifest/plan-text.ts";
import { noUsage } from "../router/contract.ts";
import { MESSAGE_ATTEMPTS_MAX, MESSAGES_PER_AGENT_MAX } from "../state/inbox.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { CancelReason, TurnResult } from "./contract.ts";
import type { AgentGeneration } from "./supervision.ts";

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

export function givenUp(key: ResourceKey, message: string): LegionError {
  return new LegionError({
    code: "LEG6041",
    message: `the message ${message} of ${titleOf(key)} was given up: the process ended ${MESSAGE_ATTEMPTS_MAX} times while it was answered`,
    hint: "look into the log for why it ended, then send the message again",
  });
}
