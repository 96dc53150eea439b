import type { Clock } from "../lib/clock.ts";
import type { Question } from "../state/questions.ts";
import type { TellOfQuestion } from "./contract.ts";

/** Open questions whose beginning is remembered by the clock that does not jump. */
const REMEMBERED_MAX = 10_000;

/** Tells of each question that was asked, and of each that was decided, and how long that took. */
export function createTeller(
  clock: Clock,
  emit: TellOfQuestion | undefined,
): (question: Question) => void {
  const begun = new Map<string, number>();
  if (emit === undefined) return () => {};
  return (question) => {
    const { id, type, text, choices, expiresAtMs, state } = question;
    if (state === "pending") {
      if (begun.size < REMEMBERED_MAX) begun.set(id, clock.monotonic());
      return emit(question, "legion.human.input_required", {
        question: id,
        type,
        text,
        ...(choices && { choices }),
        expiresAt: new Date(expiresAtMs).toISOString(),
      });
    }
    const since = begun.get(id);
    begun.delete(id);
    const durationMs =
      since === undefined
        ? Math.max(0, clock.now() - Date.parse(question.askedAt))
        : clock.monotonic() - since;
    const by = question.by ?? "run";
    emit(question, "legion.human.input_received", { question: id, state, by, durationMs });
  };
}
