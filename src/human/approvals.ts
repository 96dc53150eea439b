import { LegionError } from "../lib/errors.ts";
import type { NewQuestion, Question } from "../state/questions.ts";
import type { CallApproval, CallDecision } from "./contract.ts";

/** What an approval is good for at least, from the moment when it was given. */
const USE_MS_MIN = 60_000;

/** Whether an approval that was given before its call asked for it is still good for it. */
export function isUsable(
  { expiresAtMs, decidedAt }: Pick<Question, "expiresAtMs" | "decidedAt">,
  nowMs: number,
): boolean {
  const givenMs = decidedAt === undefined ? 0 : Date.parse(decidedAt);
  return nowMs <= Math.max(expiresAtMs, givenMs + USE_MS_MIN);
}

/** The sentence for people. */
export function approvalText({ name, why }: Pick<CallApproval, "name" | "why">): string {
  return why === "required"
    ? `may ${name} be called?`
    : `nobody knows whether ${name} was done before the process ended; may it be called again?`;
}

/** Throws LEG2065 when what stands under a key is not what was to be asked: it is never good for anything else. */
export function requireSame(stored: Question, asked: NewQuestion): void {
  const what =
    stored.run !== asked.run
      ? "run"
      : stored.type !== asked.type || stored.call?.name !== asked.call?.name
        ? "question"
        : stored.call?.hash !== asked.call?.hash
          ? "arguments"
          : undefined;
  if (what === undefined) return;
  const subject = asked.call === undefined ? "the question" : `the approval of ${asked.call.name}`;
  throw new LegionError({
    code: "LEG2065",
    message: `${subject} is bound to another ${what === "arguments" ? "call: its arguments differ" : what}`,
    hint: "make the call in a step of its own, so that it is asked for anew",
  });
}

/** What a decided approval says about its call, at the moment of its use. */
export function decisionOf(question: Question, isGood: boolean): CallDecision {
  if (question.state === "approved" && isGood) return { approved: true };
  const { by, reason, call, state } = question;
  const name = call?.name ?? "the call";
  const because = reason === undefined ? "" : `: ${reason}`;
  const message =
    state === "denied"
      ? `${name} was not approved: ${by ?? "a person"} denied it${because}`
      : state === "approved"
        ? `${name} was not approved: the approval ran out before it was used`
        : `${name} was not approved: nobody decided in time`;
  const hint = "do without this call, or make another one that will be approved";
  return { approved: false, error: { code: "LEG2062", message, hint } };
}
