import type { ErrorData } from "../lib/errors.ts";
import { formatDuration } from "../lib/quantities.ts";
import { count, forTerminal } from "../lib/text.ts";
import type { DaemonEvent, LegionEvent, ObjectEventRecord } from "../telemetry/events.ts";

import { shortId } from "./short-id.ts";

/** The longest text of a model or a task that a line shows. */
const TEXT_CHARS_MAX = 400;

/** What an event says in one line, without its time; undefined for one that is not worth a line. */
export function eventLine(event: DaemonEvent): string | undefined {
  const line = event.kind === "legion.object" ? objectLine(event) : runLine(event);
  return line === undefined ? undefined : oneLine(line);
}

/** Whether an event tells that something went wrong. */
export function isWarning(event: DaemonEvent): boolean {
  switch (event.kind) {
    case "legion.object":
      return event.data.severity === "warning";
    case "legion.llm.warning":
      return true;
    case "legion.agent.stopped":
      return event.data.status !== "ok";
    case "legion.iteration.stop":
    case "legion.llm.request.stop":
    case "legion.sandbox.eval.stop":
    case "legion.tool.call.stop":
      return event.data.error !== undefined;
    default:
      return false;
  }
}

/** One word for an event: the reason of an object's, else what it is about, `ToolCallStop`. */
export function reasonOf(event: DaemonEvent): string {
  if (event.kind === "legion.object") return event.data.reason;
  return event.kind
    .replace("legion.", "")
    .replaceAll(/(?:^|\.)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** `agent/reviewer`; the daemon's own events are of `daemon/legion`. */
export function subjectOf(event: DaemonEvent): string {
  const path = event.kind === "legion.object" ? event.object : `Agent/default/${event.agent}`;
  const parts = path.split("/");
  return `${parts[0]?.toLowerCase()}/${parts.at(-1)}`;
}

function objectLine({ data }: ObjectEventRecord): string {
  const generation = data.generation === undefined ? "" : ` (generation ${data.generation})`;
  return `${data.reason}${generation}: ${data.message}`;
}

function runLine(event: LegionEvent): string | undefined {
  switch (event.kind) {
    case "legion.agent.started":
      return startedLine(event.data);
    case "legion.agent.stopped":
      return stoppedLine(event.data);
    case "legion.agent.message.added":
      return messageLine(event.data);
    case "legion.iteration.stop":
      return stepLine(event.data);
    case "legion.llm.request.stop":
      return requestLine(event.data);
    case "legion.llm.warning":
      return `  warning: ${event.data.message}`;
    case "legion.sandbox.eval.stop":
      return evaluationLine(event.data);
    case "legion.tool.call.stop":
      return toolLine(event.data);
    case "legion.human.input_required":
      return askedLine(event.data);
    case "legion.human.input_received":
      return `  ${event.data.state} by ${event.data.by}, ${formatDuration(event.data.durationMs)}`;
    default:
      return undefined;
  }
}

/** A question to people, with the command that answers it. */
function askedLine({ question, type, text }: DataOf<"legion.human.input_required">): string {
  const verb = type === "approval" ? "approve" : "respond";
  return `  asks people: ${shortened(text)} (legion ${verb} ${shortId(question)})`;
}

type DataOf<K extends LegionEvent["kind"]> = Extract<LegionEvent, { kind: K }>["data"];

function startedLine(data: DataOf<"legion.agent.started">): string {
  const { task, generation, message, attempt } = data;
  const facts = [
    ...(generation === undefined ? [] : [`generation ${generation}`]),
    ...(message === undefined ? [] : [`message ${message}`]),
    ...(attempt === undefined ? [] : [`attempt ${attempt}`]),
  ];
  const which = facts.length === 0 ? "" : ` (${facts.join(", ")})`;
  return `turn began${which}: ${shortened(task)}`;
}

function stoppedLine(data: DataOf<"legion.agent.stopped">): string {
  const { status, reason, iterations, durationMs, message } = data;
  const which = message === undefined ? "" : ` (message ${message})`;
  const end = status === "ok" ? "done" : `gave up${reason === undefined ? "" : ` (${reason})`}`;
  return `turn ended${which}: ${end}, ${count(iterations, "step")}, ${formatDuration(durationMs)}`;
}

/** What a turn came to, in a line of its own that names the message: its answer, or why there is none. */
export function answerLine(event: DaemonEvent): string | undefined {
  if (event.kind !== "legion.agent.stopped") return undefined;
  const { message, value, error } = event.data;
  const which = message === undefined ? "" : ` to ${message}`;
  if (error !== undefined) return oneLine(`  no answer${which}: ${errorText(error)}`);
  if (value === undefined) return undefined;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return oneLine(`  answer${which}: ${shortened(text)}`);
}

/** Of what the model wrote, its thought; its answer and the other messages are told by the events around them. */
function messageLine({ type, text }: DataOf<"legion.agent.message.added">): string | undefined {
  if (type !== "assistant") return undefined;
  try {
    const { thought } = JSON.parse(text);
    return typeof thought === "string" && thought !== ""
      ? `  thought: ${shortened(thought)}`
      : undefined;
  } catch {
    return `  wrote: ${shortened(text)}`;
  }
}

function stepLine(data: DataOf<"legion.iteration.stop">): string {
  const { iteration, action, outcome, error, durationMs } = data;
  const what = `  step ${iteration + 1}: ${action ?? "no action"}, ${outcome}, ${formatDuration(durationMs)}`;
  return error === undefined ? what : `${what}; to be corrected: ${errorText(error)}`;
}

function requestLine(data: DataOf<"legion.llm.request.stop">): string {
  const { model, tier, usage, durationMs, error } = data;
  const where = tier === undefined ? model : `${model} (tier ${tier})`;
  if (error !== undefined) return `  model ${where} failed: ${errorText(error)}`;
  const tokens = count(usage.inputTokens + usage.outputTokens, "token");
  return `  model ${where}: ${tokens}, ${formatDuration(durationMs)}`;
}

function evaluationLine({ error }: DataOf<"legion.sandbox.eval.stop">): string | undefined {
  return error === undefined ? undefined : `  code failed: ${error.name}: ${error.message}`;
}

function toolLine(data: DataOf<"legion.tool.call.stop">): string {
  const { tool, function: name, error, durationMs } = data;
  const end = error === undefined ? "ok" : `failed: ${errorText(error)}`;
  return `  tool ${tool}.${name}: ${end}, ${formatDuration(durationMs)}`;
}

function errorText({ code, message }: ErrorData): string {
  return `${code} ${message}`;
}

function shortened(text: string): string {
  return text.length <= TEXT_CHARS_MAX ? text : `${text.slice(0, TEXT_CHARS_MAX).toWellFormed()}…`;
}

/** Line breaks within become spaces; the margin of the line stays. */
function oneLine(text: string): string {
  const margin = /^ */.exec(text)?.[0] ?? "";
  return margin + forTerminal(text).replaceAll(/\s+/g, " ").trim();
}
