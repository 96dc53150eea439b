// Goal: every recorded exchange with a real provider decodes to what its body says, and a stream that is cut anywhere is never taken for an answer.
// Method: play the recorded bodies over HTTP; work the expectation out of the body by simple means that share no code with the wire.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { ask, chatEndpoint } from "../../testing/chat-client.ts";
import { startModelServer } from "../../testing/model-server.ts";
import type { ChatMessage, FunctionDeclaration, ModelRequest, ToolCall } from "../contract.ts";
import { chatBody } from "./chat-request.ts";

interface Exchange {
  readonly id: string;
  readonly api: string;
  readonly stream: boolean;
  readonly request: { readonly body: RecordedBody };
  readonly response: {
    readonly status: number;
    readonly contentType: string;
    readonly body: string;
  };
}

const file = new URL("../../../../shared/data/wire/exchanges.jsonl", import.meta.url);
const absent = existsSync(file)
  ? false
  : "the recorded exchanges (shared/data/wire) are not beside this checkout";
const exchanges: readonly Exchange[] = absent
  ? []
  : readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line): Exchange => JSON.parse(line))
      .filter(({ api }) => api === "openai-chat");

/** The parts of a recorded request that concern tools. */
interface RecordedBody {
  readonly model: string;
  readonly messages: readonly {
    readonly role: ChatMessage["role"];
    readonly content?: string | null;
    readonly tool_call_id?: string;
    readonly tool_calls?: readonly {
      readonly id: string;
      readonly type: "function";
      readonly function: { readonly name: string; readonly arguments: string };
    }[];
  }[];
  readonly tools?: readonly {
    readonly type: string;
    readonly function?: FunctionDeclaration & { readonly strict?: boolean };
  }[];
}

/** What the loose parts of recorded JSON look like; everything may be missing. */
interface Piece {
  readonly content?:
    | string
    | readonly { type: string; text?: string; thinking?: readonly { text?: string }[] }[]
    | null;
  readonly reasoning?: string | null;
  readonly reasoning_content?: string | null;
  readonly tool_calls?:
    | readonly { index?: number; id?: string; function: { name?: string; arguments?: string } }[]
    | null;
}
interface Chunk {
  readonly error?: { readonly message: string };
  readonly choices?: readonly {
    readonly index: number;
    readonly delta?: Piece;
    readonly message?: Piece;
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: RecordedUsage | null;
  readonly x_groq?: { readonly usage?: RecordedUsage };
}
interface RecordedUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly prompt_tokens_details?: {
    readonly cached_tokens?: number;
    readonly cache_write_tokens?: number;
  };
  readonly completion_tokens_details?: { readonly reasoning_tokens?: number };
}

function chunksOf({ stream, response }: Exchange): Chunk[] {
  if (!stream) return [JSON.parse(response.body)];
  const data = response.body
    .split(/\r?\n/)
    .filter((line) => line.startsWith("data: ") && line !== "data: [DONE]");
  return data.map((line): Chunk => JSON.parse(line.slice("data: ".length)));
}

function expected(exchange: Exchange) {
  const chunks = chunksOf(exchange);
  const choices = chunks.flatMap((chunk) => chunk.choices ?? []);
  const pieces = choices.map((choice) => choice.delta ?? choice.message ?? {});
  const usage = chunks
    .map((chunk) => chunk.usage ?? chunk.x_groq?.usage)
    .findLast((counted) => counted !== undefined && counted !== null);
  const calls = new Map<number, ToolCall>();
  for (const [position, call] of pieces.flatMap((piece) =>
    (piece.tool_calls ?? []).entries().toArray(),
  )) {
    // Chunks of a stream number their calls; in a single answer the place in the list does.
    const index = exchange.stream ? (call.index ?? 0) : position;
    const before = calls.get(index) ?? { id: "", name: "", arguments: "" };
    calls.set(index, {
      id: before.id || (call.id ?? ""),
      name: before.name || (call.function.name ?? ""),
      arguments: before.arguments + (call.function.arguments ?? ""),
    });
  }
  const parts = pieces.flatMap((piece) => (Array.isArray(piece.content) ? piece.content : []));
  return {
    text:
      pieces.map((piece) => (typeof piece.content === "string" ? piece.content : "")).join("") +
      parts.map((part) => part.text ?? "").join(""),
    reasoning:
      pieces.map((piece) => piece.reasoning ?? piece.reasoning_content ?? "").join("") +
      parts
        .flatMap((part) => part.thinking ?? [])
        .map((part) => part.text ?? "")
        .join(""),
    toolCalls: [...calls.values()],
    finish:
      choices
        .map((choice) => choice.finish_reason)
        .findLast((reason) => typeof reason === "string") ?? "other",
    usage: {
      inputTokens: usage?.prompt_tokens ?? 0,
      outputTokens: usage?.completion_tokens ?? 0,
      cacheReadTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
      cacheWriteTokens: usage?.prompt_tokens_details?.cache_write_tokens ?? 0,
      reasoningTokens: usage?.completion_tokens_details?.reasoning_tokens ?? 0,
    },
  };
}

test("the recorded exchanges hold both streams and single answers", { skip: absent }, () => {
  assert.ok(exchanges.filter(({ stream }) => stream).length >= 50);
  assert.ok(exchanges.filter(({ stream }) => !stream).length >= 20);
});

for (const exchange of exchanges) {
  const { id, stream, response } = exchange;
  test(`${id} decodes to what its body says`, async () => {
    const { status, contentType, body } = response;
    // In small pieces, so that lines, characters and frames are split everywhere.
    await using server = await startModelServer(() => ({
      status,
      contentType,
      body,
      fault: { kind: "drip", bytes: 997, everyMs: 0 },
    }));
    const { done, error, ...content } = await ask(chatEndpoint(server.url, { stream }));
    const failed = chunksOf(exchange).find((chunk) => chunk.error !== undefined)?.error;
    if (failed !== undefined) {
      assert.equal(done, undefined);
      assert.ok(error?.message.includes(failed.message.replace(/\.$/, "")), error?.message);
      return;
    }
    assert.equal(error, undefined);
    const { finish, usage, ...want } = expected(exchange);
    assert.deepEqual(content, want);
    assert.equal(done?.finish, finish);
    assert.deepEqual(done?.usage, usage);
  });
}

/** Streams of a few kilobytes that end as they should: one of text and one of tool calls. */
function medium(wanted: "tool_calls" | "stop"): readonly Exchange[] {
  return exchanges
    .filter(
      (exchange) =>
        exchange.stream &&
        exchange.response.body.includes(`"finish_reason":"${wanted}"`) &&
        exchange.response.body.trimEnd().endsWith("[DONE]"),
    )
    .toSorted((a, b) => a.response.body.length - b.response.body.length)
    .slice(4, 5);
}

for (const { id, response } of [...medium("stop"), ...medium("tool_calls")]) {
  const bytes = Buffer.from(response.body);
  /** Where the mark begins after which the answer is whole. */
  const doneAt = bytes.indexOf("[DONE]") + "[DONE]".length;

  test(`R13 ${id}: a connection lost at any of its ${doneAt} bytes is an error`, async () => {
    let cut = 0;
    await using server = await startModelServer(() => ({
      contentType: "text/event-stream",
      body: response.body,
      fault: { kind: "cut", afterBytes: cut },
    }));
    for (cut = 0; cut < doneAt; cut += 1) {
      const { error } = await ask(chatEndpoint(server.url));
      assert.ok(error !== undefined, `cut after ${cut} bytes was taken for an answer`);
      assert.equal(error.outcome, "connection", `cut after ${cut} bytes: ${error.message}`);
    }
  });

  test(`R13 ${id}: a response that ends early is an error until its finish reason is there`, async () => {
    const finishAt = bytes.indexOf('"finish_reason":"');
    let cut = 0;
    await using server = await startModelServer(() => ({
      contentType: "text/event-stream",
      body: response.body,
      fault: { kind: "end", afterBytes: cut },
    }));
    for (cut = 0; cut < finishAt; cut += 1) {
      const { error } = await ask(chatEndpoint(server.url));
      assert.ok(error !== undefined, `an end after ${cut} bytes was taken for an answer`);
    }
  });
}

/** Exchanges whose request declares functions, and nothing that is no function. */
const withTools = exchanges.flatMap(({ id, request: { body } }) =>
  body.tools?.every(({ type }) => type === "function") ? [{ id, body }] : [],
);

test("the recorded requests with tools hold calls and their results", { skip: absent }, () => {
  assert.ok(withTools.length >= 40);
  const messages = withTools.flatMap(({ body }) => body.messages);
  assert.ok(messages.filter(({ role }) => role === "tool").length >= 40);
  assert.ok(messages.some(({ tool_calls: calls = [] }) => calls.length > 1));
});

for (const { id, body } of withTools) {
  test(`${id}: the request with its tools, calls and results is said as it was recorded`, () => {
    const said = chatBody(requestOf(body), {
      model: body.model,
      stream: true,
      structuredOutput: "json_schema",
      limitField: "max_tokens",
    });
    // No content, and content that is null, say the same.
    const messages = body.messages.map(({ content = null, ...rest }) => ({ content, ...rest }));
    assert.deepEqual(said.messages, messages);
    // Whether a schema is strict is for the provider to say.
    const tools = body.tools?.map(({ type, function: { strict: _strict, ...declared } = {} }) => ({
      type,
      function: declared,
    }));
    assert.deepEqual(said.tools, tools);
  });
}

/** What the loop would have asked for to send that body. */
function requestOf({ messages, tools = [] }: RecordedBody): ModelRequest {
  return {
    messages: messages.map(({ role, content, tool_call_id: toolCallId, tool_calls: calls }) => ({
      role,
      content: content ?? "",
      ...(toolCallId !== undefined && { toolCallId }),
      ...(calls !== undefined && {
        toolCalls: calls.map((call) => ({ id: call.id, ...call.function })),
      }),
    })),
    tools: tools.flatMap(({ function: declared }) => {
      if (declared === undefined) return [];
      const { name, description, parameters } = declared;
      return [{ name, description, parameters }];
    }),
  };
}
