import { setTimeout as sleep } from "node:timers/promises";
import { durationMs } from "../../lib/quantities.ts";
import { count } from "../../lib/text.ts";
import type { ScriptedReply } from "../../manifest/generated/provider.ts";
import type { ChatMessage, Endpoint, ToolCall, Usage, Wire } from "../contract.ts";
import { failure } from "../failures.ts";
import { nextReply } from "./scripted-choice.ts";
import { statusFailure } from "./status.ts";
import type { OpenWire } from "./wire.ts";

export interface ScriptedEndpoint extends Endpoint {
  readonly replies: readonly ScriptedReply[];
}

/** Longer delays are cut to this: an hour is longer than any timeout of a request. */
const DELAY_MAX_MS = 3_600_000;

/** Replies from the manifest: no network, no state, so a conversation gives the same every time. */
export const scripted: Wire<ScriptedEndpoint> = async function* (
  { messages },
  { provider, model, replies },
  signal,
) {
  const aborted = {
    type: "error",
    error: failure("aborted", `the request to ${provider} was interrupted`),
  } as const;
  if (signal.aborted) return yield aborted;
  const reply = nextReply(replies, messages);
  if (reply === undefined) {
    const text = `provider ${provider} has no scripted reply left: it has ${count(replies.length, "reply", "replies")}, and none fits here`;
    return yield { type: "error", error: failure("outOfReplies", text) };
  }
  if (
    reply.delay !== undefined &&
    !(await waited(Math.min(durationMs(reply.delay), DELAY_MAX_MS), signal))
  )
    return yield aborted;
  if (reply.error !== undefined) {
    const { status, message = "" } = reply.error;
    return yield { type: "error", error: statusFailure({ provider, model, status, message }) };
  }
  const text = replyText(reply);
  const calls = replyCalls(reply, messages);
  if (reply.reasoning) yield { type: "reasoning", text: reply.reasoning };
  if (text !== "") yield { type: "text", text };
  for (const call of calls) yield { type: "tool_call", call };
  yield {
    type: "done",
    finish: calls.length > 0 ? "tool_calls" : "stop",
    usage: estimate(messages, reply.reasoning ?? "", text, calls),
    model,
  };
};

export const openScripted: OpenWire = async (provider, model, { readReplies }) => {
  const { replies = await readReplies(provider), stream } = provider.spec;
  const endpoint: ScriptedEndpoint = { provider: provider.name, model, stream, replies };
  return (request, signal) => scripted(request, endpoint, signal);
};

/** What the model says: the text word for word, or the JSON of the action protocol. */
export function replyText({
  action,
  thought,
  code = "",
  result = null,
  text = "",
}: ScriptedReply & { result?: unknown }): string {
  if (action === undefined) return text;
  return JSON.stringify({ ...(thought !== undefined && { thought }), action, code, result });
}

/** The reply's tool calls; ids count on through the conversation, so that they are unique in it. */
function replyCalls(
  { toolCalls = [] }: ScriptedReply,
  messages: readonly ChatMessage[],
): ToolCall[] {
  const before = messages.reduce((sum, message) => sum + (message.toolCalls?.length ?? 0), 0);
  return toolCalls.map(({ name, arguments: given = {} }, index) => ({
    id: `call_${before + index + 1}`,
    name,
    arguments: JSON.stringify(given),
  }));
}

/** An estimate by characters, so that tokens show in a run without a model. */
function estimate(
  messages: readonly ChatMessage[],
  reasoning: string,
  text: string,
  calls: readonly ToolCall[],
): Usage {
  const sent = messages.reduce((sum, { content }) => sum + content.length, 0);
  const called = calls.reduce((sum, call) => sum + call.name.length + call.arguments.length, 0);
  const tokens = (characters: number) => Math.ceil(characters / 4);
  return {
    inputTokens: tokens(sent),
    outputTokens: tokens(reasoning.length + text.length + called),
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: tokens(reasoning.length),
  };
}

/** True when the time went by, false when the signal came first. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
