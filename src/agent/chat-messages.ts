import type { AgentSpec } from "../manifest/generated/agent.ts";
import type { ChatMessage, Role, ToolCall } from "../router/contract.ts";
import type { Message } from "./session.ts";

type Mode = AgentSpec["mode"];

/** What stands for the result of a call whose turn ended before it came: providers refuse calls without one. */
const NO_RESULT = "Error: no result, the turn ended before the call was answered";

/**
 * A conversation as providers take it, after the system prompt. In mode tools each call is followed by exactly one result. Where no
 * functions are declared providers refuse calls, so that in mode code those of an earlier mode are told in words.
 */
export function chatMessages(
  prompt: string,
  messages: readonly Message[],
  mode: Mode = "code",
): ChatMessage[] {
  const chat: ChatMessage[] = [{ role: "system", content: prompt }];
  for (let index = 0; index < messages.length; index += 1) {
    const message = messages[index];
    if (message === undefined) break;
    const calls = message.toolCalls ?? [];
    if (message.type !== "assistant" || calls.length === 0 || mode !== "tools") {
      chat.push(plainMessage(message));
      continue;
    }
    const results = resultsAfter(messages, index);
    chat.push({ role: "assistant", content: message.text, toolCalls: calls });
    chat.push(...answered(calls, results));
    index += results.length;
  }
  return chat;
}

const roles: Readonly<Record<Message["type"], Role>> = {
  user: "user",
  assistant: "assistant",
  eval_result: "user",
  error: "user",
  tool_result: "user",
};

/** A message as text. */
function plainMessage({ type, text, toolCalls = [] }: Message): ChatMessage {
  if (type === "tool_result") return { role: "user", content: `Result of a call:\n${text}` };
  const told = toolCalls.map(({ name, arguments: given }) => `Called ${name}(${given})`);
  const content = [text, ...told].filter((part) => part !== "").join("\n");
  return { role: roles[type], content: toolCalls.length > 0 ? content : text };
}

/** The results that follow a message at once. */
function resultsAfter(messages: readonly Message[], index: number): readonly Message[] {
  const rest = messages.slice(index + 1);
  const end = rest.findIndex(({ type }) => type !== "tool_result");
  return end === -1 ? rest : rest.slice(0, end);
}

/** One message for each call, in the order of the calls. */
function answered(calls: readonly ToolCall[], results: readonly Message[]): ChatMessage[] {
  return calls.map(({ id }) => {
    const result = results.find(({ toolCallId }) => toolCallId === id);
    return { role: "tool", content: result?.text ?? NO_RESULT, toolCallId: id };
  });
}
