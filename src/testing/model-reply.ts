import type { ScriptedReply } from "../manifest/generated/provider.ts";
import type { FinishReason, Usage } from "../router/contract.ts";
import { replyText } from "../router/wires/scripted.ts";

/** One reply of the fake model server: what a scripted provider can say, and every way in which a real one misbehaves. */
export interface ModelReply extends Omit<ScriptedReply, "result" | "toolCalls"> {
  readonly result?: unknown;
  /** Arguments as text stand in the response as they are, JSON or not. */
  readonly toolCalls?: readonly {
    readonly name: string;
    readonly id?: string;
    readonly arguments?: object | string;
  }[];
  readonly finish?: FinishReason;
  readonly usage?: Partial<Usage>;
  readonly refusal?: string;
  /** The status, 200 unless told. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  /** The body as it is, in place of a rendered one: a recorded exchange, a web page, half a JSON value. */
  readonly body?: string | Uint8Array;
  readonly fault?: Fault;
}

/** What happens to the bytes of a reply on their way. */
export type Fault =
  /** The connection is accepted, and nothing ever answers. */
  | { readonly kind: "silence" }
  /** The connection is reset in place of an answer. */
  | { readonly kind: "reset" }
  /** The socket is closed after that many bytes of the body. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** The response ends as if it were whole after that many bytes of the body. */
  | { readonly kind: "end"; readonly afterBytes: number }
  /** Nothing more comes after that many bytes of the body. */
  | { readonly kind: "stall"; readonly afterBytes: number }
  /** Half of the body comes, the rest when the promise has resolved. */
  | { readonly kind: "hold"; readonly until: Promise<unknown>; readonly onHeld: () => void }
  /** The body comes in pieces of that many bytes. */
  | { readonly kind: "drip"; readonly bytes: number; readonly everyMs: number }
  /** After the body, this text comes again and again and the response never ends. */
  | { readonly kind: "endless"; readonly text: string; readonly everyMs: number };

/** What of a request decides how a reply is rendered. */
export interface Asked {
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

export interface Rendered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** The HTTP response of a reply, as the OpenAI wire has it. */
export function renderReply(reply: ModelReply, asked: Asked): Rendered {
  const failed = reply.error !== undefined;
  const status = reply.error?.status ?? reply.status ?? 200;
  const streamed = asked.stream && !failed;
  const body =
    reply.body ??
    (failed ? errorBody(reply) : streamed ? streamBody(reply, asked) : wholeBody(reply, asked));
  const contentType =
    reply.contentType ?? (streamed ? "text/event-stream; charset=utf-8" : "application/json");
  return {
    status,
    headers: { ...(contentType !== "" && { "content-type": contentType }), ...reply.headers },
    body: Buffer.from(body),
  };
}

const PIECE_CHARACTERS = 7;

function streamBody(reply: ModelReply, { model, includeUsage }: Asked): string {
  const { reasoning = "", refusal } = reply;
  const delta = (piece: object, finish: string | null = null) => ({
    ...base(model, "chat.completion.chunk"),
    choices: [{ index: 0, delta: piece, finish_reason: finish }],
  });
  const chunks = [
    delta({ role: "assistant", content: "" }),
    ...pieces(reasoning).map((text) => delta({ reasoning_content: text })),
    ...pieces(textOf(reply)).map((text) => delta({ content: text })),
    ...(refusal === undefined ? [] : [delta({ refusal })]),
    ...callsOf(reply).flatMap(({ id, type, function: { name, arguments: given } }, index) => [
      delta({ tool_calls: [{ index, id, type, function: { name, arguments: "" } }] }),
      ...pieces(given).map((text) =>
        delta({ tool_calls: [{ index, function: { arguments: text } }] }),
      ),
    ]),
    delta({}, finishOf(reply)),
    ...(includeUsage
      ? [{ ...base(model, "chat.completion.chunk"), choices: [], usage: usageOf(reply) }]
      : []),
  ];
  return `${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("")}data: [DONE]\n\n`;
}

function wholeBody(reply: ModelReply, { model }: Asked): string {
  const { reasoning, refusal } = reply;
  const calls = callsOf(reply);
  const message = {
    role: "assistant",
    content: textOf(reply) || null,
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(refusal !== undefined && { refusal }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
  return JSON.stringify({
    ...base(model, "chat.completion"),
    choices: [{ index: 0, message, finish_reason: finishOf(reply) }],
    usage: usageOf(reply),
  });
}

function errorBody({ error }: ModelReply): string {
  return JSON.stringify({
    error: { message: error?.message ?? "scripted error", type: "scripted_error", code: null },
  });
}

function base(model: string, object: string): object {
  return { id: "chatcmpl-1", object, created: 1_767_225_600, model };
}

function textOf(reply: ModelReply): string {
  // `result` may be any JSON value.
  return replyText(reply as ScriptedReply);
}

function callsOf({ toolCalls = [] }: ModelReply) {
  return toolCalls.map(({ name, id, arguments: given = {} }, index) => ({
    id: id ?? `call_${index + 1}`,
    type: "function",
    function: { name, arguments: typeof given === "string" ? given : JSON.stringify(given) },
  }));
}

function finishOf({ finish, toolCalls }: ModelReply): string {
  return finish ?? (toolCalls === undefined ? "stop" : "tool_calls");
}

function usageOf({ usage = {} }: ModelReply): object {
  const {
    inputTokens = 10,
    outputTokens = 5,
    cacheReadTokens = 0,
    cacheWriteTokens = 0,
    reasoningTokens = 0,
  } = usage;
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cacheReadTokens, cache_write_tokens: cacheWriteTokens },
    completion_tokens_details: { reasoning_tokens: reasoningTokens },
  };
}

/** Text in pieces that split no character. */
function pieces(text: string): string[] {
  const characters = [...text];
  return Array.from({ length: Math.ceil(characters.length / PIECE_CHARACTERS) }, (_, index) =>
    characters.slice(index * PIECE_CHARACTERS, (index + 1) * PIECE_CHARACTERS).join(""),
  );
}
