import { type ErrorData, messageOf } from "../lib/errors.ts";
import type { Json } from "../lib/json.ts";
import type { ToolCall } from "../router/contract.ts";
import { accept } from "./accept.ts";
import { ask } from "./ask.ts";
import type { StepFailure } from "./failure.ts";
import { REPLY_BYTES_MAX } from "./protocol.ts";
import { isTooDeep } from "./reply-json.ts";
import type { Outcome, Progress } from "./steps.ts";
import { callTools } from "./tool-calls.ts";
import { toolDeclarations } from "./tool-declarations.ts";
import { CALLS_MAX, errorText, readCall, tooManyCalls, withOwnIds } from "./tool-replies.ts";
import { say, type Turn } from "./turn.ts";

/** How the record of a step calls what the model did. */
export interface ToolAttempt {
  readonly action?: string;
  readonly outcome: Outcome;
}

/**
 * A step of an agent in mode tools: asks the model, makes the calls of its reply and says their results in the order of the calls.
 * What is wrong with a call is its result: the model reads it like any other. A reply without calls is the answer.
 */
export async function runToolStep(
  turn: Turn,
  _progress: Progress,
  causedBy: string,
): Promise<ToolAttempt> {
  const answer = await ask(turn, causedBy);
  if (!answer.ok) return { outcome: answer.end };
  const { text } = answer;
  const calls = withOwnIds(answer.toolCalls);
  if (calls.length > 0) {
    say(turn, "assistant", text, causedBy, { toolCalls: calls });
    await makeCalls(turn, calls, causedBy);
    return { action: "call", outcome: { type: "continue" } };
  }
  const failure = replyFailure(text, answer.isCutOff);
  // Providers refuse messages without text.
  say(turn, "assistant", text.trim() === "" ? "(no text)" : text, causedBy);
  if (failure !== undefined) return { outcome: { type: "retry", failure } };
  return { action: "answer", outcome: await finish(turn, text, causedBy) };
}

/** Makes the calls that can be made, all at once, and says one result a call. */
async function makeCalls(turn: Turn, calls: readonly ToolCall[], causedBy: string): Promise<void> {
  const tools = toolDeclarations(turn.options.toolbox);
  const faults = new Map<string, ErrorData>();
  for (const [index, call] of calls.entries()) {
    const read = readCall(call, tools);
    if (index >= CALLS_MAX) faults.set(call.id, tooManyCalls(calls.length));
    else if (!read.ok) faults.set(call.id, read.error);
  }
  const good = calls.filter(({ id }) => !faults.has(id));
  const results = good.length === 0 ? [] : await callTools(turn, good, causedBy);
  const texts = new Map(results.map(({ id, text }) => [id, text]));
  for (const { id } of calls) {
    const fault = faults.get(id);
    const text = fault === undefined ? texts.get(id) : errorText(fault);
    // A turn that ends meanwhile has no result for some.
    if (text !== undefined) say(turn, "tool_result", text, causedBy, { toolCallId: id });
  }
}

/** Why a reply without calls is no answer; undefined when it may be one. */
function replyFailure(text: string, isCutOff: boolean): StepFailure | undefined {
  if (isCutOff) return failed(cutOff);
  if (text.trim() === "") return failed(emptyReply);
  return new TextEncoder().encode(text).length > REPLY_BYTES_MAX ? failed(tooLong) : undefined;
}

function failed(error: ErrorData): StepFailure {
  return { stage: "reply", error };
}

const cutOff: ErrorData = {
  code: "LEG2046",
  message: "the reply was cut off at the limit of output tokens",
  hint: "answer in fewer words, or do a part of the work by calling functions first",
};

const emptyReply: ErrorData = {
  code: "LEG2040",
  message: "the reply is empty",
  hint: "answer in text, or call a function",
};

const tooLong: ErrorData = {
  code: "LEG2040",
  message: `the reply is longer than ${REPLY_BYTES_MAX} bytes`,
  hint: "answer in fewer words",
};

/** Finishes with the text, or with the value that it holds where the agent's answer is more than text. */
async function finish(turn: Turn, text: string, causedBy: string): Promise<Outcome> {
  const { outputSchema } = turn.options.agent.spec;
  if (outputSchema.type === "string") return accept(turn, text, causedBy);
  const parsed = answerIn(text);
  if (parsed.ok) return accept(turn, parsed.value, causedBy);
  // A schema that takes text too, such as that of any value, takes the words as they are.
  const outcome = await accept(turn, text, causedBy);
  if (outcome.type !== "retry" || outcome.failure.error.code !== "LEG2044") return outcome;
  return { type: "retry", failure: { stage: "answer", error: notJson(parsed.problem) } };
}

type Parsed =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly problem: string };

/** The JSON value of an answer, also of one in a code fence. */
function answerIn(text: string): Parsed {
  const [, fenced] = /^```(?:json)?\s*\n([\s\S]*?)\n?```$/.exec(text.trim()) ?? [];
  const json = fenced ?? text;
  if (isTooDeep(json)) return { ok: false, problem: "it is nested too deeply" };
  try {
    return { ok: true, value: JSON.parse(json) as Json };
  } catch (error) {
    return { ok: false, problem: messageOf(error) };
  }
}

function notJson(problem: string): ErrorData {
  return {
    code: "LEG2044",
    message: `the answer is not JSON: ${problem}`,
    hint: "answer with one JSON value that meets the output schema, and nothing else",
  };
}
