import { isObject } from "../../lib/json.ts";
import { type FinishReason, noUsage, type Usage, type WireEvent } from "../contract.ts";

/** Something in a response that is no answer. */
export type ReplyFault =
  /** The provider reports an error inside of the response. */
  | { readonly fault: "error"; readonly error: unknown }
  /** The model declined; `text` is how it said so. */
  | { readonly fault: "refused"; readonly text: string }
  | { readonly fault: "malformed"; readonly what: string };

/** Puts one reply together from the chunks of a stream or from the one body; both take the same way, so both give the same. */
export interface ChatReply {
  /** Takes a chunk (or the whole body); returns the text and reasoning in it, or what is wrong. */
  push(chunk: unknown): readonly WireEvent[] | ReplyFault;
  /** The tool calls and `done`, or what is wrong. */
  end(): readonly WireEvent[] | ReplyFault;
  /** Whether a finish reason has come. */
  readonly finished: boolean;
  /** Characters of content so far, those of tool calls included: it grows exactly when content arrives. */
  readonly taken: number;
}

const TOOL_CALLS_MAX = 256;

const finishReasons: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  end_turn: "stop",
  eos: "stop",
  length: "length",
  max_tokens: "length",
  tool_calls: "tool_calls",
  tool_use: "tool_calls",
  function_call: "tool_calls",
  content_filter: "content_filter",
};

/** What has come so far. */
interface State {
  model: string;
  usage: Usage;
  finish: string | undefined;
  refusal: string;
  taken: number;
  answered: boolean;
  readonly calls: MutableCall[];
}

/** A reply of which nothing has come yet; `requestedModel` stands for a model that does not give its name. */
export function createChatReply(requestedModel: string): ChatReply {
  const state: State = {
    model: "",
    usage: noUsage,
    finish: undefined,
    refusal: "",
    taken: 0,
    answered: false,
    calls: [],
  };
  return {
    push: (chunk) => pushChunk(state, chunk),
    end: () => endOf(state, requestedModel),
    get finished() {
      return state.finish !== undefined;
    },
    get taken() {
      return state.taken;
    },
  };
}

function pushChunk(state: State, chunk: unknown): readonly WireEvent[] | ReplyFault {
  if (!isObject(chunk)) return { fault: "malformed", what: "a chunk that is not an object" };
  if (chunk.error !== undefined && chunk.error !== null)
    return { fault: "error", error: chunk.error };
  if (state.model === "" && typeof chunk.model === "string") state.model = chunk.model;
  const counted = chunk.usage ?? (isObject(chunk.x_groq) ? chunk.x_groq.usage : undefined);
  if (isObject(counted)) state.usage = usageOf(counted);
  const choice = firstChoice(chunk.choices);
  if (choice === undefined) return [];
  state.answered = true;
  const { finish_reason: finish, delta, message } = choice;
  if (finish === "error") {
    return {
      fault: "error",
      error: choice.error ?? "the model failed in the middle of its answer",
    };
  }
  if (typeof finish === "string" && finish !== "") state.finish = finish;
  const piece = delta ?? message;
  return isObject(piece) ? pushPiece(state, piece) : [];
}

function pushPiece(
  state: State,
  piece: Record<string, unknown>,
): readonly WireEvent[] | ReplyFault {
  const { text, thought } = contentOf(piece.content);
  // Some servers send the same reasoning under both names.
  const reasoning = [piece.reasoning_content, piece.reasoning, thought].find(isText) ?? "";
  if (typeof piece.refusal === "string") state.refusal += piece.refusal;
  for (const delta of Array.isArray(piece.tool_calls) ? piece.tool_calls : []) {
    state.taken += takeCall(state.calls, delta);
  }
  if (state.calls.length > TOOL_CALLS_MAX) {
    return { fault: "malformed", what: `more than ${TOOL_CALLS_MAX} tool calls` };
  }
  state.taken += text.length + reasoning.length;
  const events: WireEvent[] = [];
  if (reasoning !== "") events.push({ type: "reasoning", text: reasoning });
  if (text !== "") events.push({ type: "text", text });
  return events;
}

function endOf(state: State, requestedModel: string): readonly WireEvent[] | ReplyFault {
  const { model, usage, refusal, calls } = state;
  if (!state.answered) return { fault: "malformed", what: "no answer" };
  if (refusal !== "") return { fault: "refused", text: refusal };
  const whole = calls.map(({ id, name, parts }, index): WireEvent => {
    return {
      type: "tool_call",
      call: { id: id || `call_${index + 1}`, name, arguments: parts.join("") },
    };
  });
  const untold = calls.length > 0 ? "tool_calls" : "other";
  const finish = state.finish === undefined ? untold : (finishReasons[state.finish] ?? "other");
  return [...whole, { type: "done", finish, usage, model: model || requestedModel }];
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

interface MutableCall {
  readonly index: unknown;
  id: string;
  name: string;
  readonly parts: string[];
}

/** Adds a piece to the call that it belongs to, by index and id; returns how many characters it brought. */
function takeCall(calls: MutableCall[], delta: unknown): number {
  if (!isObject(delta)) return 0;
  const id = typeof delta.id === "string" ? delta.id : "";
  const given: Record<string, unknown> = isObject(delta.function) ? delta.function : {};
  const name = typeof given.name === "string" ? given.name : "";
  const text =
    typeof given.arguments === "string"
      ? given.arguments
      : isObject(given.arguments)
        ? JSON.stringify(given.arguments)
        : "";
  const known = calls.findLast(({ index }) => delta.index === undefined || index === delta.index);
  // Some servers number every call 0, or none, and tell them apart by id only.
  const same = known !== undefined && (id === "" || known.id === "" || known.id === id);
  const call = same ? known : { index: delta.index, id, name, parts: [] };
  if (!same) calls.push(call);
  if (call.id === "") call.id = id;
  if (call.name === "") call.name = name;
  call.parts.push(text);
  return id.length + name.length + text.length;
}

/** The choice that is read: we ask for one, so it is the one with index 0. */
function firstChoice(choices: unknown): Record<string, unknown> | undefined {
  if (!Array.isArray(choices)) return undefined;
  return choices.find(
    (choice) => isObject(choice) && (choice.index === undefined || choice.index === 0),
  );
}

/** Content is text, or a list of parts: `{type: text, text}` and `{type: thinking, thinking: [parts]}`. */
function contentOf(content: unknown): { readonly text: string; readonly thought: string } {
  if (typeof content === "string") return { text: content, thought: "" };
  let text = "";
  let thought = "";
  for (const part of Array.isArray(content) ? content : []) {
    if (!isObject(part)) continue;
    if (typeof part.text === "string") text += part.text;
    if (part.thinking !== undefined) thought += contentOf(part.thinking).text;
  }
  return { text, thought };
}

function usageOf(given: Record<string, unknown>): Usage {
  const input = isObject(given.prompt_tokens_details) ? given.prompt_tokens_details : {};
  const output = isObject(given.completion_tokens_details) ? given.completion_tokens_details : {};
  return {
    inputTokens: tokens(given.prompt_tokens),
    outputTokens: tokens(given.completion_tokens),
    cacheReadTokens: tokens(input.cached_tokens ?? given.prompt_cache_hit_tokens),
    cacheWriteTokens: tokens(input.cache_write_tokens),
    reasoningTokens: tokens(output.reasoning_tokens),
  };
}

function tokens(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}
