import { forTerminal } from "../lib/text.ts";
import type { Result } from "../trigger/expression.ts";
import { actionText, type Replayed } from "../watch/cases.ts";
import type { Cell, TableColumn } from "./table.ts";
import { momentText, type Polls } from "./trigger-samples.ts";

/** The columns of what a trigger did, poll by poll. */
export const outcomeColumns: readonly TableColumn[] = [
  { title: "at", isWhole: true, reserve: 6 },
  { title: "state", isWhole: true, reserve: 7 },
  { title: "value", isWhole: true, reserve: 7 },
  { title: "what it did", isFree: true },
];

/** The row of one poll. */
export function outcomeRow(replayed: Replayed, polls: Polls): readonly Cell[] {
  const { outcome } = replayed;
  const { state } = outcome;
  const shown = state === "firing" ? { text: state, style: "red" as const } : state;
  return [momentText(replayed, polls), shown, String(outcome.value), deedText(replayed)];
}

/** What a poll did in words: the fire with its actions, the gate that held one back, what is wrong. */
export function deedText({ outcome, recovery }: Replayed): string {
  const { fire, suppressed, turned, error } = outcome;
  const parts = [
    fire &&
      `fire ${fire.kind}${fire.isDeferred ? ", deferred" : ""}: ${fire.actions.map(actionText).join(", ")}`,
    suppressed && `${suppressed.kind} held back by ${suppressed.gate}`,
    turned === "ended" && "ended",
    recovery && `recovered: ${recovery.map(actionText).join(", ")}`,
    error !== undefined && `error: ${error}`,
  ];
  return parts.filter((part) => typeof part === "string").join("; ");
}

/** The value of an expression: JSON, but lengths of time and moments as they are written; `missing` and errors as such. */
export function resultText(result: Result, type: string): string {
  if ("missing" in result) return "missing";
  if ("error" in result) return forTerminal(`error: ${result.error}`);
  const { value } = result;
  const isPlain = type === "duration" || type === "timestamp";
  return forTerminal(isPlain && typeof value === "string" ? value : JSON.stringify(value));
}
