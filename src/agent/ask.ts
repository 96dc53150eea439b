import {
  addUsage,
  type ChatMessage,
  type Completion,
  noUsage,
  type Role,
  type WireError,
} from "../router/contract.ts";
import type { Message } from "./session.ts";
import type { End } from "./steps.ts";
import type { Turn } from "./turn.ts";

export type Answer =
  | { readonly ok: true; readonly text: string; readonly isCutOff: boolean }
  | { readonly ok: false; readonly end: End };

/** Asks the model for the next action. When no model answers, the turn ends: that is no fault of the model's code. */
export async function ask(turn: Turn, causedBy: string): Promise<Answer> {
  const { agent, router, emit, clock } = turn.options;
  const { model, modelOptions } = agent.spec;
  const messages = chatMessages(turn.prompt, turn.session.messages);
  const startedMs = clock.monotonic();
  const start = { model, messages: messages.length };
  const started = emit("legion.llm.request.start", start, causedBy);
  const completion = await router.complete(
    { ...modelOptions, messages, responseSchema: { name: "action", schema: turn.schema } },
    {
      model,
      signal: turn.deadline.signal,
      onDelta: (delta) => void emit("legion.llm.delta", delta, started),
      onWarning: (message) => void emit("legion.llm.warning", { message }, started),
    },
  );
  spend(turn, completion);
  emit(
    "legion.llm.request.stop",
    { ...requestStop(completion, turn.spent.model), durationMs: clock.monotonic() - startedMs },
    started,
  );
  if (!completion.ok) return { ok: false, end: failed(turn, completion.error) };
  return { ok: true, text: completion.text, isCutOff: completion.finish === "length" };
}

const roles: Readonly<Record<Message["type"], Role>> = {
  user: "user",
  assistant: "assistant",
  eval_result: "user",
  error: "user",
};

function chatMessages(prompt: string, messages: readonly Message[]): ChatMessage[] {
  const conversation = messages.map(({ type, text }) => ({ role: roles[type], content: text }));
  return [{ role: "system", content: prompt }, ...conversation];
}

function spend({ spent }: Turn, completion: Completion): void {
  // Attempts that failed cost tokens too.
  spent.usage = addUsage(spent.usage, usageOf(completion));
  if (completion.ok) spent.model = `${completion.provider}/${completion.model}`;
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
