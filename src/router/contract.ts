import type { ErrorCode } from "../lib/codes.ts";
import type { JsonSchema } from "../lib/json.ts";

export type Role = "system" | "user" | "assistant" | "tool";

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text as the model wrote it; it may not parse. */
  readonly arguments: string;
}

export interface ChatMessage {
  readonly role: Role;
  readonly content: string;
  /** Of an assistant message. */
  readonly toolCalls?: readonly ToolCall[];
  /** Of a tool message: which call it answers. */
  readonly toolCallId?: string;
}

/** A function that the model may call natively. */
export interface FunctionDeclaration {
  readonly name: string;
  readonly description: string;
  readonly parameters: JsonSchema;
}

/** One request to a model, the same for every wire. */
export interface ModelRequest {
  readonly messages: readonly ChatMessage[];
  /** Structured output: the reply is one JSON value that meets the schema. */
  readonly responseSchema?: { readonly name: string; readonly schema: JsonSchema };
  readonly tools?: readonly FunctionDeclaration[];
  readonly temperature?: number;
  readonly maxOutputTokens?: number;
  readonly reasoningEffort?: "none" | "minimal" | "low" | "medium" | "high";
}

/** Tokens of a request; input includes the cached ones, output the reasoning ones. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly reasoningTokens: number;
}

export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter" | "other";

/** How an attempt failed; the router decides by it what comes next (see the table in outcomes.ts). */
export type Outcome =
  | "connection"
  | "timeout"
  | "overloaded"
  | "server_error"
  | "malformed"
  | "model_missing"
  | "context_overflow"
  | "rate_limited"
  | "unauthorised"
  | "billing"
  | "invalid_request"
  | "refused"
  | "aborted";

export interface WireError {
  readonly outcome: Outcome;
  readonly code: ErrorCode;
  /** A sentence that names the provider; never a key or a header. */
  readonly message: string;
  readonly hint: string;
  readonly status?: number;
  readonly retryAfterMs?: number;
}

/** What a wire yields. Exactly one `done` or `error`, and it is the last event. */
export type WireEvent =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "reasoning"; readonly text: string }
  /** A whole call: wires buffer the pieces. */
  | { readonly type: "tool_call"; readonly call: ToolCall }
  | {
      readonly type: "done";
      readonly finish: FinishReason;
      readonly usage: Usage;
      readonly model: string;
    }
  | { readonly type: "error"; readonly error: WireError };

/** Where and how to send a request: a Provider manifest with its secrets resolved. */
export interface Endpoint {
  /** The Provider's name, for messages. */
  readonly provider: string;
  readonly model: string;
  readonly stream: boolean;
}

/** A protocol. It never throws: every failure is an `error` event. Stopping the iteration early cancels the request. */
export type Wire<E extends Endpoint = Endpoint> = (
  request: ModelRequest,
  endpoint: E,
  signal: AbortSignal,
) => AsyncGenerator<WireEvent, void, undefined>;

/** One try at one target; the later ledger has a row for each. */
export interface Attempt {
  readonly tier: string;
  readonly provider: string;
  readonly model: string;
  readonly durationMs: number;
  readonly usage: Usage;
  /** undefined: it answered. */
  readonly error?: WireError;
}

/** What one try at one target gave. */
export type Answer = Answered | { readonly ok: false; readonly error: WireError };

export interface Answered {
  readonly ok: true;
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finish: FinishReason;
  readonly usage: Usage;
  /** As the provider names it. */
  readonly model: string;
}

/** What a whole request gave. */
export type Completion =
  | (Answered & {
      readonly provider: string;
      readonly tier: string;
      readonly attempts: readonly Attempt[];
    })
  | { readonly ok: false; readonly error: WireError; readonly attempts: readonly Attempt[] };

export interface CompleteOptions {
  /** What Agent.spec.model says: a Router's name, an alias, or provider/model. */
  readonly model: string;
  readonly signal: AbortSignal;
  /** Text and reasoning as they come; a restart after a failed stream begins with `reset`. */
  readonly onDelta?: (delta: {
    readonly type: "text" | "reasoning" | "reset";
    readonly text: string;
  }) => void;
  /** Something that the operator should see: a fallback, a scripted stand-in. */
  readonly onWarning?: (message: string) => void;
}

/** Sends a request to the first target that answers. It never throws for what a provider does. */
export interface Router {
  complete(request: ModelRequest, options: CompleteOptions): Promise<Completion>;
}

export const noUsage: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
};

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  };
}
