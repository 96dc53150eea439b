import { LegionError } from "../../lib/errors.ts";
import type { CancelReason, TurnResult } from "../contract.ts";

/** Ends of a turn that another delivery may mend: a provider that is down, a limit of turns in a time, a tool that cannot be built. */
const passing: ReadonlySet<CancelReason> = new Set([
  "provider_failed",
  "rate_limited",
  "terminated",
]);

/** How a turn was ended from outside, and whether somebody waits for it. */
export interface Circumstances {
  readonly signal: AbortSignal;
  readonly isAwaited: boolean;
}

/** Whether the result of a turn is the answer of its message. What is no answer is delivered again. */
export function isAnswer(result: TurnResult, { signal, isAwaited }: Circumstances): boolean {
  if (result.status === "ok") return true;
  if (isCutShort(result, signal)) return false;
  return isAwaited || signal.aborted || !passing.has(result.reason);
}

/** Whether the process ended the turn: its message has no answer yet, and the next process goes on with the same run. */
export function isCutShort(result: TurnResult, { reason }: AbortSignal): boolean {
  const wasClosed = reason instanceof LegionError && reason.code === "LEG2033";
  if (!wasClosed || result.status === "ok") return false;
  return result.reason === "interrupted" || result.reason === "terminated";
}

/** Whether nobody can go on with the run, so that another delivery would do again what it did: its record is damaged, gone, or says something else than its code does. */
export function isBeyondRepair(result: TurnResult): boolean {
  return result.status === "cancel" && /^LEG(606[23]|2100|2106)$/.test(result.error.code);
}

/** Whether a run that gave no answer stays without an end: the next delivery goes on with it, since it has called tools. One that has done nothing begins anew, under the newest generation. */
export function staysOpen(result: TurnResult): boolean {
  return result.status === "cancel" && result.toolCalls > 0 && !isBeyondRepair(result);
}

/** Whether the agent is at fault: a bug in its turn, or a turn that could not be begun. A damaged record is no fault of its other conversations. */
export function isFault(result: TurnResult, { aborted }: AbortSignal): boolean {
  if (result.status === "ok" || result.reason !== "terminated" || aborted) return false;
  return result.error.code !== "LEG6064" && !isBeyondRepair(result);
}

/** What a turn came to, as spec.terminateOn names it. */
export function endingOf(result: TurnResult): string {
  return result.status === "ok" ? "answer" : result.reason;
}

/** The protocol of reply or idle: a body of just this asks for nothing. */
export function isIdle(text: string): boolean {
  return text.trim() === "IDLE";
}
