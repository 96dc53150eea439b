import type { EventData } from "../telemetry/events.ts";
import type { TurnOptions, TurnResult } from "./contract.ts";

/** What is recorded when a turn begins. */
export function startOf({
  task,
  generation,
  message,
  attempt = 1,
  parent,
}: Pick<
  TurnOptions,
  "task" | "generation" | "message" | "attempt" | "parent"
>): EventData["legion.agent.started"] {
  return {
    task,
    ...(generation !== undefined && { generation }),
    ...(message !== undefined && { message }),
    ...(attempt > 1 && { attempt }),
    ...(parent !== undefined && { parent: parent.run }),
  };
}

/** What is recorded of how a turn ended: whoever only told the agent something finds the answer there. */
export function stopOf(
  result: TurnResult,
  message: string | undefined,
): EventData["legion.agent.stopped"] {
  const { iterations, durationMs } = result;
  const figures = { iterations, durationMs, ...(message !== undefined && { message }) };
  if (result.status === "ok") return { status: result.status, ...figures, value: result.value };
  const { status, reason, error } = result;
  return { status, reason, ...figures, error };
}
