import type { Json } from "../lib/json.ts";
import {
  addUsage,
  type Completion,
  type ModelRequest,
  noUsage,
  type ToolCall,
  type WireError,
} from "../router/contract.ts";
import { redactValue } from "../tools/call/redact.ts";
import { chatMessages } from "./chat-messages.ts";
import type { End } from "./steps.ts";
import type { Turn } from "./turn.ts";

export type Answer =
  | {
      readonly ok: true;
      readonly text: string;
      readonly isCutOff: boolean;
      /** What the model calls natively; none in mode code. */
      readonly toolCalls: readonly ToolCall[];
    }
  | { readonly ok: false; readonly end: End };

/** Asks the model for the next action, or takes its answer from the record. When no model answers, the turn ends: that is no fault of the model's code. */
export async function ask(turn: Turn, causedBy: string): Promise<Answer> {
  const { agent, emit, clock, meter } = turn.options;
  const { model, mode } = agent.spec;
  const served = turn.record.response();
  const refusal = served === undefined ? meter?.refuse("request") : undefined;
  if (refusal !== undefined) return { ok: false, end: { type: "cancel", ...refusal } };
  const messages = chatMessages(turn.prompt, turn.session.messages, mode);
  const startedMs = clock.monotonic();
  const start = { model, messages: messages.length };
  const started = emit("legion.llm.request.start", start, causedBy);
  const completion = served?.completion ?? (await request(turn, messages, started));
  spend(turn, completion);
  emit(
    "legion.llm.request.stop",
    { ...requestStop(completion, turn.spent.model), durationMs: clock.monotonic() - startedMs },
    started,
  );
  if (!completion.ok) return { ok: false, end: failed(turn, completion.error) };
  if (served === undefined) turn.record.soon("model.response", { completion });
  const { text, finish, toolCalls } = completion;
  return { ok: true, text, isCutOff: finish === "length", toolCalls };
}

async function request(
  turn: Turn,
  messages: ModelRequest["messages"],
  started: string,
): Promise<Completion> {
  const { agent, router, emit, redact } = turn.options;
  const completion = await router.complete(
    { ...agent.spec.modelOptions, messages, ...replyForm(turn) },
    {
      model: agent.spec.model,
      signal: turn.deadline.signal,
      onDelta: (delta) => void emit("legion.llm.delta", delta, started),
      onWarning: (message) => void emit("legion.llm.warning", { message }, started),
    },
  );
  if (redact === undefined) return completion;
  return redactValue(completion as unknown as Json, redact) as unknown as Completion;
}

/** How the model is to answer: with an action, or with calls of functions. Providers refuse an empty list of those. */
function replyForm({ declarations, schema }: Turn): Pick<ModelRequest, "tools" | "responseSchema"> {
  if (declarations === undefined) return { responseSchema: { name: "action", schema } };
  return declarations.length === 0 ? {} : { tools: declarations };
}

function spend({ spent, options }: Turn, completion: Completion): void {
  const usage = usageOf(completion);
  // Attempts that failed cost tokens too.
  spent.usage = addUsage(spent.usage, usage);
  options.meter?.spend({ tokens: usage.inputTokens + usage.outputTokens, requests: 1 });
  if (!completion.ok) return;
  spent.responses += 1;
  spent.model = `${completion.provider}/${completion.model}`;
}

function usageOf({ attempts }: Completion) {
  return attempts.map(({ usage }) => usage).reduce(addUsage, noUsage);
}

function requestStop(completion: Completion, model: string) {
  const { inputTokens, outputTokens } = usageOf(completion);
  const usage = { inputTokens, outputTokens };
  if (completion.ok) return { model, usage, tier: completion.tier };
  return { model, usage, error: errorOf(completion.error) };
}

function failed({ deadline }: Turn, error: WireError): End {
  if (deadline.signal.aborted) return deadline.end();
  return { type: "cancel", reason: "provider_failed", error: errorOf(error) };
}

function errorOf({ code, message, hint }: WireError) {
  return { code, message, hint };
}
