import type { JsonSchema } from "../../lib/json.ts";
import type { ProviderSpec } from "../../manifest/generated/provider.ts";
import type { ChatMessage, ModelRequest } from "../contract.ts";
import { strictSchema } from "./chat-schema.ts";

export interface ChatBodyOptions {
  readonly model: string;
  readonly stream: boolean;
  readonly structuredOutput: ProviderSpec["structuredOutput"];
  /** OpenAI's own models refuse `max_tokens`; most other servers know nothing else. */
  readonly limitField: "max_tokens" | "max_completion_tokens";
}

type ResponseSchema = NonNullable<ModelRequest["responseSchema"]>;

/** The body of a chat completion request. */
export function chatBody(
  request: ModelRequest,
  { model, stream, structuredOutput, limitField }: ChatBodyOptions,
): JsonSchema {
  const { messages, responseSchema, tools, temperature, maxOutputTokens, reasoningEffort } =
    request;
  const format = responseSchema && responseFormat(responseSchema, structuredOutput);
  const inWords = responseSchema !== undefined && format?.type !== "json_schema";
  return {
    model,
    messages: (inWords ? withSchema(messages, responseSchema) : messages).map(chatMessage),
    stream,
    ...(stream && { stream_options: { include_usage: true } }),
    ...(format !== undefined && { response_format: format }),
    ...(tools !== undefined &&
      tools.length > 0 && {
        tools: tools.map((declaration) => ({ type: "function", function: declaration })),
      }),
    ...(temperature !== undefined && { temperature }),
    ...(maxOutputTokens !== undefined && { [limitField]: maxOutputTokens }),
    ...(reasoningEffort !== undefined && { reasoning_effort: reasoningEffort }),
  };
}

/** Which name the limit of a reply has at that address. */
export function limitFieldOf(url: URL): ChatBodyOptions["limitField"] {
  return /(^|\.)(openai\.com|azure\.com)$/.test(url.hostname)
    ? "max_completion_tokens"
    : "max_tokens";
}

function chatMessage({ role, content, toolCalls = [], toolCallId }: ChatMessage): JsonSchema {
  if (role === "tool") return { role, tool_call_id: toolCallId ?? "", content };
  if (role !== "assistant" || toolCalls.length === 0) return { role, content };
  const calls = toolCalls.map(({ id, name, arguments: given }) => ({
    id,
    type: "function",
    function: { name, arguments: given },
  }));
  return { role, content: content === "" ? null : content, tool_calls: calls };
}

/** Undefined: the server is told in words only. */
function responseFormat(
  { name, schema }: ResponseSchema,
  structuredOutput: ProviderSpec["structuredOutput"],
): JsonSchema | undefined {
  if (structuredOutput === "prompt") return undefined;
  // A schema whose root is not an object is not taken at all.
  if (structuredOutput === "json_object" || schema.type !== "object")
    return schema.type === "object" ? { type: "json_object" } : undefined;
  const adapted = strictSchema(schema);
  const valid = name.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 64);
  return {
    type: "json_schema",
    json_schema: {
      name: valid === "" ? "reply" : valid,
      schema: adapted ?? schema,
      strict: adapted !== undefined,
    },
  };
}

/** The conversation with the schema at the end of the system message, or as one where there is none. */
function withSchema(
  messages: readonly ChatMessage[],
  { schema }: ResponseSchema,
): readonly ChatMessage[] {
  const words = `Reply with one JSON value and nothing else, no prose and no code fence. It must meet this JSON Schema:\n${JSON.stringify(schema)}`;
  const [first, ...rest] = messages;
  if (first?.role !== "system") return [{ role: "system", content: words }, ...messages];
  return [{ ...first, content: `${first.content}\n\n${words}` }, ...rest];
}
