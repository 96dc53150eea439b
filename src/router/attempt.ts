import { formatDuration } from "../lib/quantities.ts";
import type { Answer, CompleteOptions, ModelRequest, ToolCall, WireEvent } from "./contract.ts";
import { failure } from "./failures.ts";
import type { Send } from "./wires/wire.ts";

export interface AttemptOptions {
  readonly provider: string;
  readonly signal: AbortSignal;
  /** The most time that it may take. */
  readonly timeoutMs: number;
  readonly onDelta: NonNullable<CompleteOptions["onDelta"]>;
}

/** Sends the request once and puts the events together. */
export async function attempt(
  send: Send,
  request: ModelRequest,
  { provider, signal, timeoutMs, onDelta }: AttemptOptions,
): Promise<Answer> {
  const cut = new AbortController();
  const timer = setTimeout(() => cut.abort(), timeoutMs);
  try {
    const answer = await collect(send(request, AbortSignal.any([signal, cut.signal])), onDelta);
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
