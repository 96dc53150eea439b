import type { Json } from "../lib/json.ts";
import { answerError } from "./answer.ts";
import type { Outcome } from "./steps.ts";
import { outsideCall } from "./tool-calls.ts";
import type { Turn } from "./turn.ts";

/** Finishes with the value if it is an answer that the agent may give. */
export async function accept(turn: Turn, value: Json, causedBy: string): Promise<Outcome> {
  const { agent, run } = turn.options;
  const error = await answerError(value, agent.spec, (name, argument) => {
    turn.spent.checks += 1;
    const key = `${run}/0.${turn.spent.checks}`;
    return outsideCall(turn, { key, name, argument, causedBy });
  });
  return error === undefined
    ? { type: "finish", value }
    : { type: "retry", failure: { stage: "answer", error } };
}
