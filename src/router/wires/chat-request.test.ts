// Goal: a request says on the wire what the caller asked for, and nothing that he did not.
// Method: a table of requests and the bodies that they become; the bodies that arrive are seen on a real server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, chatEndpoint, hello } from "../../testing/chat-client.ts";
import { startModelServer } from "../../testing/model-server.ts";
import type { ModelRequest } from "../contract.ts";
import { type ChatBodyOptions, chatBody, limitFieldOf } from "./chat-request.ts";
import { chatUrl } from "./endpoint.ts";

const schema = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };
const strictForm = { ...schema, additionalProperties: false };
const open = { type: "object" };
const words = (given: object) =>
  `Reply with one JSON value and nothing else, no prose and no code fence. It must meet this JSON Schema:\n${JSON.stringify(given)}`;
const user = { role: "user", content: "hello" } as const;

interface Row {
  readonly name: string;
  readonly request: Partial<ModelRequest>;
  readonly options?: Partial<ChatBodyOptions>;
  readonly want: object;
}

const rows: readonly Row[] = [
  {
    name: "a plain request asks for a stream with usage",
    request: {},
    want: { model: "m", messages: [user], stream: true, stream_options: { include_usage: true } },
  },
  {
    name: "without a stream there are no stream options",
    request: {},
    options: { stream: false },
    want: { model: "m", messages: [user], stream: false },
  },
  {
    name: "options of the model",
    request: { temperature: 0, maxOutputTokens: 9, reasoningEffort: "low" },
    options: { stream: false },
    want: {
      model: "m",
      messages: [user],
      stream: false,
      temperature: 0,
      max_tokens: 9,
      reasoning_effort: "low",
    },
  },
  {
    name: "the newer name of the limit",
    request: { maxOutputTokens: 9 },
    options: { stream: false, limitField: "max_completion_tokens" },
    want: { model: "m", messages: [user], stream: false, max_completion_tokens: 9 },
  },
  {
    name: "tool calls and their results",
    request: {
      messages: [
        user,
        { role: "assistant", content: "", toolCalls: [{ id: "c1", name: "read", arguments: "{" }] },
        { role: "tool", content: "text", toolCallId: "c1" },
        { role: "assistant", content: "done" },
      ],
      tools: [{ name: "read", description: "Reads.", parameters: schema }],
    },
    options: { stream: false },
    want: {
      model: "m",
      messages: [
        user,
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "c1", type: "function", function: { name: "read", arguments: "{" } }],
        },
        { role: "tool", tool_call_id: "c1", content: "text" },
        { role: "assistant", content: "done" },
      ],
      stream: false,
      tools: [
        { type: "function", function: { name: "read", description: "Reads.", parameters: schema } },
      ],
    },
  },
  {
    name: "a schema with a strict form is sent as strict, under a name that is allowed",
    request: { responseSchema: { name: "agent reply/1", schema } },
    options: { stream: false },
    want: {
      model: "m",
      messages: [user],
      stream: false,
      response_format: {
        type: "json_schema",
        json_schema: { name: "agent_reply_1", schema: strictForm, strict: true },
      },
    },
  },
  {
    name: "a schema without one is sent as it is, not strict",
    request: { responseSchema: { name: "r", schema: open } },
    options: { stream: false },
    want: {
      model: "m",
      messages: [user],
      stream: false,
      response_format: {
        type: "json_schema",
        json_schema: { name: "r", schema: open, strict: false },
      },
    },
  },
  {
    name: "json_object tells the schema in words too",
    request: {
      responseSchema: { name: "r", schema },
      messages: [{ role: "system", content: "Be brief." }, user],
    },
    options: { stream: false, structuredOutput: "json_object" },
    want: {
      model: "m",
      messages: [{ role: "system", content: `Be brief.\n\n${words(schema)}` }, user],
      stream: false,
      response_format: { type: "json_object" },
    },
  },
  {
    name: "prompt tells it in words only",
    request: { responseSchema: { name: "r", schema } },
    options: { stream: false, structuredOutput: "prompt" },
    want: {
      model: "m",
      messages: [{ role: "system", content: words(schema) }, user],
      stream: false,
    },
  },
  {
    name: "a schema whose root is a list is told in words, because no server takes it",
    request: { responseSchema: { name: "r", schema: { type: "array" } } },
    options: { stream: false },
    want: {
      model: "m",
      messages: [{ role: "system", content: words({ type: "array" }) }, user],
      stream: false,
    },
  },
];

for (const { name, request, options = {}, want } of rows) {
  test(name, async () => {
    const endpoint = {
      model: "m",
      stream: true,
      structuredOutput: "json_schema",
      limitField: "max_tokens",
      ...options,
    } as const;
    assert.deepEqual(chatBody({ ...hello, ...request }, endpoint), want);
    await using server = await startModelServer([{ text: "ok" }]);
    await ask(chatEndpoint(server.url, endpoint), { ...hello, ...request });
    assert.deepEqual(server.requests[0]?.body, want);
  });
}

const urls: readonly { readonly base: string; readonly path: string; readonly want: string }[] = [
  {
    base: "https://api.openai.com/v1",
    path: "/chat/completions",
    want: "https://api.openai.com/v1/chat/completions",
  },
  {
    base: "http://127.0.0.1:11434/v1/",
    path: "/chat/completions",
    want: "http://127.0.0.1:11434/v1/chat/completions",
  },
  {
    base: "https://x.azure.com/openai/deployments/d",
    path: "/chat/completions?api-version=2",
    want: "https://x.azure.com/openai/deployments/d/chat/completions?api-version=2",
  },
  {
    base: "https://gateway.example/v1?team=a",
    path: "/chat",
    want: "https://gateway.example/v1/chat?team=a",
  },
  {
    base: "https://user:pass@host.example/v1",
    path: "/chat",
    want: "https://host.example/v1/chat",
  },
];

for (const { base, path, want } of urls) {
  test(`${base} with ${path} is ${want}`, () => {
    assert.equal(chatUrl(base, path).href, want);
  });
}

test("OpenAI and Azure know the limit by its newer name, all others by the older one", () => {
  const names = [
    "https://api.openai.com/v1",
    "https://x.openai.azure.com/",
    "https://api.groq.com/openai/v1",
    "http://notopenai.com/",
  ].map((url) => limitFieldOf(new URL(url)));
  assert.deepEqual(names, [
    "max_completion_tokens",
    "max_completion_tokens",
    "max_tokens",
    "max_tokens",
  ]);
});
