import type { TurnResult } from "../agent/contract.ts";
import { formatDuration } from "../lib/quantities.ts";
import { count, forTerminal } from "../lib/text.ts";
import { renderError, style } from "./error-text.ts";

type Output = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** The answer as stdout gets it; a terminal is spared control characters. */
export function answerText(
  result: Extract<TurnResult, { readonly status: "ok" }>,
  stdout: Output,
): string {
  const { value } = result;
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return stdout.isTTY === true ? forTerminal(text) : text;
}

/** What stderr gets when a turn has ended: why there is no answer, and the figures. */
export function turnNotes(
  result: TurnResult,
  stderr: NodeJS.WritableStream,
  quiet: boolean,
): string {
  const figures = quiet ? "" : `${style("dim", summary(result), stderr)}\n`;
  if (result.status === "ok") return figures;
  const { error, lastError } = result;
  const last =
    lastError === undefined ? "" : `  the last error: legion explain ${lastError.code}\n`;
  return `${renderError(error, stderr)}${last}${figures}`;
}

/** 0: it answered; 124: out of time; 130: interrupted; 1: any other end. */
export function turnExitCode(result: TurnResult): number {
  if (result.status === "ok") return 0;
  return result.reason === "timeout" ? 124 : result.reason === "interrupted" ? 130 : 1;
}

function summary({ status, iterations, toolCalls, usage, durationMs }: TurnResult): string {
  const tokens = (usage.inputTokens + usage.outputTokens).toLocaleString("en");
  const end = status === "ok" ? "done" : "gave up";
  return `${end}: ${count(iterations, "step")}, ${count(toolCalls, "tool call")}, ${tokens} tokens, ${formatDuration(durationMs)}`;
}
