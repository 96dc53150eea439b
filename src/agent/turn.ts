import type { JsonSchema } from "../lib/json.ts";
import { byteLength } from "../lib/text.ts";
import type { AgentSpec } from "../manifest/generated/agent.ts";
import type { FunctionDeclaration, Usage } from "../router/contract.ts";
import type { TurnOptions } from "./contract.ts";
import type { Deadline } from "./deadline.ts";
import type { TurnRecord } from "./journal/record.ts";
import { mayEvaluate } from "./prompt.ts";
import type { Message, Session } from "./session.ts";
import { truncate } from "./truncate.ts";

/** What the steps of one turn share. */
export interface Turn {
  readonly options: TurnOptions;
  readonly session: Session;
  readonly deadline: Deadline;
  readonly record: TurnRecord;
  readonly prompt: string;
  readonly schema: JsonSchema;
  /** What the model may call natively; undefined in mode code. */
  readonly declarations: readonly FunctionDeclaration[] | undefined;
  /** What the turn has used so far; the steps add to it. */
  readonly spent: Spent;
}

export interface Spent {
  model: string;
  usage: Usage;
  iterations: number;
  evaluations: number;
  toolCalls: number;
  /** Answers of models. */
  responses: number;
  /** Answers of the agent that its own check has looked at. */
  checks: number;
}

/** Appends a message, without secrets, cut to the agent's maxMessageLength. */
export function say(
  turn: Turn,
  type: Message["type"],
  text: string,
  causedBy: string,
  more: Pick<Message, "toolCalls" | "toolCallId"> = {},
): void {
  const { options, session } = turn;
  const at = new Date(options.clock.now()).toISOString();
  const message = { type, text: fitted(turn, options.redact?.(text) ?? text) };
  session.append({ ...message, ...more, at });
  options.emit("legion.agent.message.added", message, causedBy);
}

function fitted({ options, session }: Turn, text: string): string {
  const { spec } = options.agent;
  const maxBytes = messageBytesMax(spec);
  if (byteLength(text) <= maxBytes) return text;
  const handle = mayEvaluate(spec) ? session.recall.keep(text) : undefined;
  return truncate(text, maxBytes, handle);
}

function messageBytesMax({ maxMessageLength }: AgentSpec): number {
  return typeof maxMessageLength === "number" ? maxMessageLength : Number.POSITIVE_INFINITY;
}
