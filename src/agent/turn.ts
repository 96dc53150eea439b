import type { JsonSchema } from "../lib/json.ts";
import { byteLength } from "../lib/text.ts";
import type { AgentSpec } from "../manifest/generated/agent.ts";
import type { Usage } from "../router/contract.ts";
import type { ToolCaller } from "../tools/contract.ts";
import type { TurnOptions } from "./contract.ts";
import type { Deadline } from "./deadline.ts";
import { mayEvaluate } from "./prompt.ts";
import type { Message, Session } from "./session.ts";
import { truncate } from "./truncate.ts";

/** What the steps of one turn share. */
export interface Turn {
  readonly options: TurnOptions;
  readonly session: Session;
  readonly deadline: Deadline;
  readonly prompt: string;
  readonly schema: JsonSchema;
  /** What the turn has used so far; the steps add to it. */
  readonly spent: Spent;
}

export interface Spent {
  model: string;
  usage: Usage;
  iterations: number;
  evaluations: number;
  toolCalls: number;
}

/** Appends a message, cut to the agent's maxMessageLength. */
export function say(turn: Turn, type: Message["type"], text: string, causedBy: string): void {
  const { options, session } = turn;
  const at = new Date(options.clock.now()).toISOString();
  const message = { type, text: fitted(turn, text) };
  session.append({ ...message, at });
  options.emit("legion.agent.message.added", message, causedBy);
}

function fitted({ options, session }: Turn, text: string): string {
  const { spec } = options.agent;
  const maxBytes = messageBytesMax(spec);
  if (byteLength(text) <= maxBytes) return text;
  const handle = mayEvaluate(spec) ? session.recall.keep(text) : undefined;
  return truncate(text, maxBytes, handle);
}

/** Who calls tools in this turn. Each call is two events, caused by `causedBy`. */
export function toolCaller(turn: Turn, causedBy: string): ToolCaller {
  const { agent, run, emit, clock } = turn.options;
  return {
    agent: agent.name,
    run,
    signal: turn.deadline.signal,
    onCall(call) {
      const startedMs = clock.monotonic();
      const started = emit("legion.tool.call.start", call, causedBy);
      turn.spent.toolCalls += 1;
      return (end) => {
        const durationMs = clock.monotonic() - startedMs;
        emit("legion.tool.call.stop", { ...call, ...end, durationMs }, started);
      };
    },
  };
}

function messageBytesMax({ maxMessageLength }: AgentSpec): number {
  return typeof maxMessageLength === "number" ? maxMessageLength : Number.POSITIVE_INFINITY;
}
