import { LegionError } from "../lib/errors.ts";
import { formatDuration } from "../lib/quantities.ts";
import type {
  Answer,
  CompleteOptions,
  ModelRequest,
  Outcome,
  ToolCall,
  WireEvent,
} from "./contract.ts";
import { failure, failureOf } from "./failures.ts";
import type { Send } from "./wires/wire.ts";

export interface AttemptOptions {
  readonly provider: string;
  readonly signal: AbortSignal;
  /** The most time that it may take. */
  readonly timeoutMs: number;
  readonly onDelta: NonNullable<CompleteOptions["onDelta"]>;
}

/** Binds the wire of a target. Throws a LegionError when its secrets or files are missing, and soon after the signal is aborted. */
export type Open = (signal: AbortSignal) => Promise<Send>;

/** Opens the target, sends the request once and puts the events together; all of it within the time. */
export async function attempt(
  open: Open,
  request: ModelRequest,
  { provider, signal, timeoutMs, onDelta }: AttemptOptions,
): Promise<Answer> {
  const cut = new AbortController();
  const timer = setTimeout(() => cut.abort(), timeoutMs);
  try {
    const either = AbortSignal.any([signal, cut.signal]);
    const answer = await openAndAsk(open, request, either, onDelta);
    const late = !answer.ok && answer.error.outcome === "aborted" && !signal.aborted;
    return late
      ? {
          ok: false,
          error: failure(
            "tierTooSlow",
            `${provider} did not answer within ${formatDuration(timeoutMs)}`,
          ),
        }
      : answer;
  } finally {
    clearTimeout(timer);
  }
}

async function openAndAsk(
  open: Open,
  request: ModelRequest,
  signal: AbortSignal,
  onDelta: AttemptOptions["onDelta"],
): Promise<Answer> {
  try {
    const send = await open(signal);
    return await collect(send(request, signal), onDelta);
  } catch (error) {
    if (error instanceof LegionError)
      return { ok: false, error: failureOf(error, openingOutcome(error)) };
    throw error;
  }
}

/** A secret that cannot be had is like a key that is refused; a file that cannot be read is like a missing model. */
function openingOutcome({ code }: LegionError): Outcome {
  if (code === "LEG5040") return "aborted";
  return code.startsWith("LEG505") ? "unauthorised" : "model_missing";
}

async function collect(
  events: AsyncGenerator<WireEvent, void, undefined>,
  onDelta: AttemptOptions["onDelta"],
): Promise<Answer> {
  const text: string[] = [];
  const reasoning: string[] = [];
  const toolCalls: ToolCall[] = [];
  for await (const event of events) {
    switch (event.type) {
      case "text":
        text.push(event.text);
        onDelta(event);
        break;
      case "reasoning":
        reasoning.push(event.text);
        onDelta(event);
        break;
      case "tool_call":
        toolCalls.push(event.call);
        break;
      case "error":
        return { ok: false, error: event.error };
      case "done": {
        const { finish, usage, model } = event;
        return {
          ok: true,
          text: text.join(""),
          reasoning: reasoning.join(""),
          toolCalls,
          finish,
          usage,
          model,
        };
      }
    }
  }
  throw new Error("a wire ended without done or error");
}
