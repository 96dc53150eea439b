import { formatDuration } from "../lib/quantities.ts";
import { count, forTerminal } from "../lib/text.ts";
import type { LegionEvent } from "../telemetry/events.ts";
import { style } from "./error-text.ts";
import { wrap } from "./help.ts";

const REDRAW_MS = 100;
const WIDTH_MAX = 80;
const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

type ErrorStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

export interface Progress {
  /** Takes every event of the run. */
  readonly onEvent: (event: LegionEvent) => void;
  /** Takes the status line away and writes nothing more. */
  end(): void;
}

export interface ProgressOptions {
  /** Whether the messages of the conversation are shown whole. */
  readonly isVerbose?: boolean;
  /** What the run is at before its first event. */
  readonly activity?: string;
}

/**
 * Tells on stderr what a run is doing: a line a step, warnings at once, and on a terminal a live line below them with
 * the step, what it is at, and the tokens so far.
 */
export function createProgress(
  stream: ErrorStream,
  { isVerbose = false, activity = "starting" }: ProgressOptions = {},
): Progress {
  const view = {
    isVerbose,
    warned: new Set<string>(),
    step: 1,
    activity,
    tokens: 0,
    tools: [] as string[],
    startedAt: performance.now(),
    frame: 0,
  };
  const live = stream.isTTY === true;

  const draw = (): void => {
    view.frame += 1;
    const spent = formatDuration(performance.now() - view.startedAt);
    const text = `${frames[view.frame % frames.length]} step ${view.step} · ${view.activity} · ${count(view.tokens, "token")} · ${spent}`;
    stream.write(
      `\r\x1b[K${style("dim", text.slice(0, (stream.columns ?? WIDTH_MAX) - 1), stream)}`,
    );
  };
  const timer = live ? setInterval(draw, REDRAW_MS) : undefined;
  timer?.unref();
  const line = (text: string): void => {
    stream.write(live ? `\r\x1b[K${text}\n` : `${text}\n`);
  };

  return {
    onEvent: (event) => {
      const text = advance(view, event, stream);
      if (text !== undefined) line(text);
    },
    end: () => {
      clearInterval(timer);
      if (live) stream.write("\r\x1b[K");
    },
  };
}

interface View {
  /** Whether the messages of the conversation are shown whole. */
  readonly isVerbose: boolean;
  /** Warnings come with every request; each is told once. */
  readonly warned: Set<string>;
  step: number;
  activity: string;
  tokens: number;
  tools: string[];
}

/** Brings the view up to date and returns the line that the event is worth, if any. */
function advance(
  view: View,
  event: LegionEvent,
  stream: NodeJS.WritableStream,
): string | undefined {
  const { kind, data } = event;
  if (kind === "legion.iteration.start") {
    Object.assign(view, { step: data.iteration + 1, tools: [] });
  } else if (kind === "legion.llm.request.start") view.activity = `asking ${data.model}`;
  else if (kind === "legion.llm.request.stop")
    view.tokens += data.usage.inputTokens + data.usage.outputTokens;
  else if (kind === "legion.llm.delta")
    view.activity = data.type === "reasoning" ? "the model is thinking" : "the model is writing";
  else if (kind === "legion.sandbox.eval.start") view.activity = "running code";
  else if (kind === "legion.tool.call.start") {
    view.activity = `${data.tool}.${data.function}`;
    view.tools.push(view.activity);
  } else if (kind === "legion.tool.call.stop") view.activity = "running code";
  else if (kind === "legion.llm.warning") return warning(view, data.message, stream);
  else if (kind === "legion.iteration.stop") return stepLine(view, data, stream);
  else if (kind === "legion.agent.message.added" && view.isVerbose)
    return messageText(data, stream);
  return undefined;
}

function warning(
  { warned }: View,
  message: string,
  stream: NodeJS.WritableStream,
): string | undefined {
  if (warned.has(message)) return undefined;
  warned.add(message);
  const [first = "", ...rest] = wrap(forTerminal(message), WIDTH_MAX - "warning: ".length);
  return [
    `${style("yellow", "warning", stream)}: ${first}`,
    ...rest.map((line) => `  ${line}`),
  ].join("\n");
}

type Added = Extract<LegionEvent, { kind: "legion.agent.message.added" }>["data"];

/** A message of the conversation; of the model's own its thought and its code instead of their JSON. */
function messageText({ type, text }: Added, stream: NodeJS.WritableStream): string {
  const body = type === "assistant" ? readableReply(text) : text;
  const lines = forTerminal(body)
    .split("\n")
    .map((line) => `    ${line}`);
  return [style("bold", `  ${type}`, stream), ...lines].join("\n");
}

/** A reply of the model for people: its thought, and its code or result instead of their JSON. */
export function readableReply(reply: string): string {
  try {
    const { thought, action, code, result } = JSON.parse(reply);
    const parts = [
      thought,
      action,
      code,
      action === "return" ? JSON.stringify(result, null, 2) : "",
    ];
    return parts.filter((part) => typeof part === "string" && part !== "").join("\n");
  } catch {
    return reply;
  }
}

type Step = Extract<LegionEvent, { kind: "legion.iteration.stop" }>["data"];

/** One line a step; below it, why the step is to be corrected. A step without an answer of the model is told by the run's end. */
function stepLine(view: View, data: Step, stream: NodeJS.WritableStream): string | undefined {
  const { action, outcome, error, durationMs } = data;
  if (action === undefined && outcome === "cancel") return undefined;
  const mark =
    outcome === "cancel"
      ? style("red", "✗", stream)
      : error === undefined
        ? style("green", "✓", stream)
        : style("yellow", "!", stream);
  const head = ` step ${view.step}  ${(action ?? "no action").padEnd(18)}`;
  const tail = `  ${formatDuration(durationMs)}`;
  const room = WIDTH_MAX - head.length - tail.length - 3;
  const line = `${mark}${head}  ${fit(tally(view.tools), room).padEnd(room)}${style("dim", tail, stream)}`;
  if (error === undefined) return line;
  const reason = forTerminal(`  to be corrected: ${error.message.split("\n")[0]}`);
  return `${line}\n${style("yellow", fit(reason, WIDTH_MAX), stream)}`;
}

/** `files.read ×2, now.now` */
function tally(names: readonly string[]): string {
  const counts = Map.groupBy(names, (name) => name);
  return [...counts]
    .map(([name, calls]) => (calls.length === 1 ? name : `${name} ×${calls.length}`))
    .join(", ");
}

function fit(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
