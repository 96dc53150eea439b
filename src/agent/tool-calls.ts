import type { ErrorData } from "../lib/errors.ts";
import type { Json } from "../lib/json.ts";
import type { ToolCall } from "../router/contract.ts";
import { tellServed } from "./call-events.ts";
import { type CallRequest, makeCall, redacted } from "./journal/calls.ts";
import type { CallReply } from "./journal/past.ts";
import { toolDeclarations } from "./tool-declarations.ts";
import { errorText, readCall, resultText } from "./tool-replies.ts";
import type { Turn } from "./turn.ts";

/** A call that is no part of code: the model makes it, or Legion itself. */
export function outsideCall(
  turn: Turn,
  call: Pick<CallRequest, "key" | "name" | "argument" | "causedBy"> & { readonly id?: string },
): Promise<CallReply> {
  const { id, ...request } = call;
  const { deadline, record } = turn;
  const past = record.call(request.key, request.name, argumentOnRecord(turn, request.argument));
  if (past?.reply !== undefined) tellServed(turn, past, request.causedBy);
  return makeCall(turn, {
    ...request,
    ...{ past, place: { eval: 0, ...(id !== undefined && { id }) } },
    signal: deadline.signal,
    pause: (wait) => deadline.pause(wait),
    told: (error) => ({ name: "ToolError", ...error }),
  });
}

function argumentOnRecord(turn: Turn, argument: Json | undefined): Json | undefined {
  return argument === undefined ? undefined : redacted(turn, argument);
}

/** What one native call came to, as the model reads it. */
export interface NativeResult {
  readonly id: string;
  readonly text: string;
  readonly ok: boolean;
}

/**
 * Makes the calls of one reply of the model at the same time, and gives what they came to in the order of the calls. What was
 * recorded is not done again. A turn that ends meanwhile has its calls end as stopped.
 */
export async function callTools(
  turn: Turn,
  calls: readonly ToolCall[],
  causedBy: string,
): Promise<readonly NativeResult[]> {
  const tools = toolDeclarations(turn.options.toolbox);
  const { run } = turn.options;
  const reply = turn.spent.responses;
  const results = calls.map(async (call, index): Promise<NativeResult> => {
    const read = readCall(call, tools);
    const { id } = call;
    if (!read.ok) return { id, text: errorText(read.error), ok: false };
    const { called, argument } = read;
    const made = await outsideCall(turn, {
      ...{ id, argument, causedBy },
      key: `${run}/r${reply}.${index + 1}`,
      name: `${called.tool}.${called.function}`,
    });
    if (made.ok) return { id, text: resultText(made.value), ok: true };
    return { id, text: errorText(made.error as unknown as ErrorData), ok: false };
  });
  const settled = await Promise.allSettled(results);
  const broken = settled.find((result) => result.status === "rejected");
  // A record that cannot be written, or that goes on in another way, ends the turn.
  if (broken !== undefined) throw broken.reason;
  return settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}
