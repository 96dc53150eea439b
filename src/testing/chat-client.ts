import type { ModelRequest, ToolCall, WireError, WireEvent } from "../router/contract.ts";
import { type ChatEndpoint, openaiChat } from "../router/wires/openai-chat.ts";

/** Times short enough for tests; `total` leaves room for a slow machine. */
const testTimeouts = { firstByteMs: 2_000, idleMs: 2_000, totalMs: 20_000 };

/** An endpoint at that address; the fields given replace the usual ones. */
export function chatEndpoint(baseUrl: string, fields: Partial<ChatEndpoint> = {}): ChatEndpoint {
  return {
    provider: "test",
    model: "model-1",
    stream: true,
    structuredOutput: "json_schema",
    limitField: "max_tokens",
    url: new URL(`${baseUrl}/chat/completions`),
    headers: { "content-type": "application/json" },
    timeouts: testTimeouts,
    maxResponseBytes: 16 * 1024 * 1024,
    redact: (text) => text,
    now: () => Date.UTC(2026, 0, 1),
    ...fields,
  };
}

export const hello: ModelRequest = { messages: [{ role: "user", content: "hello" }] };

/** All that a wire yielded, put together, after checking that it ended in exactly one `done` or `error`. */
export interface Heard {
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly ToolCall[];
  readonly done?: Extract<WireEvent, { type: "done" }>;
  readonly error?: WireError;
}

/** Asks once and listens to the end. */
export async function ask(
  endpoint: ChatEndpoint,
  request: ModelRequest = hello,
  signal: AbortSignal = new AbortController().signal,
): Promise<Heard> {
  return heard(await Array.fromAsync(openaiChat(request, endpoint, signal)));
}

/** The events of a wire, put together. Throws when they do not end as they must. */
export function heard(events: readonly WireEvent[]): Heard {
  const ends = events.filter(({ type }) => type === "done" || type === "error");
  const last = events.at(-1);
  if (ends.length !== 1 || last !== ends[0])
    throw new Error(`a wire must end in exactly one done or error: ${JSON.stringify(events)}`);
  const joined = (wanted: "text" | "reasoning") =>
    events.map((event) => (event.type === wanted ? event.text : "")).join("");
  return {
    text: joined("text"),
    reasoning: joined("reasoning"),
    toolCalls: events.flatMap((event) => (event.type === "tool_call" ? [event.call] : [])),
    ...(last?.type === "done" && { done: last }),
    ...(last?.type === "error" && { error: last.error }),
  };
}
