import { formatDuration } from "../lib/quantities.ts";
import { count, forTerminal } from "../lib/text.ts";
import type { DaemonStatus } from "../reconcile/contract.ts";
import type { DaemonEvent, LegionEvent, ObjectEventRecord } from "../telemetry/events.ts";
import { style } from "./error-text.ts";
import { cut } from "./table.ts";
import { type OutputStream, terminalWidth } from "./terminal-width.ts";

/** `12:34:56 `. */
const TIME_CHARS = 9;

/** The line that an event is worth in the log of `legion up`, with its time before it; undefined for the steps within a turn. */
export function eventLine(event: DaemonEvent, stream: OutputStream): string | undefined {
  const text = event.kind === "legion.object" ? objectLine(event, stream) : turnLine(event, stream);
  if (text === undefined) return undefined;
  return `${style("dim", event.at.slice(11, 19), stream)} ${text}\n`;
}

/** The line that says that the daemon serves, what it holds, and how it is spoken to. */
export function readyLines(
  { pid, socket, address, objects, sources, health }: DaemonStatus,
  tookMs: number,
  stream: OutputStream,
): string {
  const totals = Object.entries(objects).filter(([, { total }]) => total > 0);
  const held = totals.map(([kind, { total }]) => count(total, kind.toLowerCase())).join(", ");
  const ready = style(health === "ok" ? "green" : "yellow", "ready", stream);
  const read = sources.map(({ location }) => forTerminal(location)).join(" ");
  return [
    `legion is ${ready} after ${formatDuration(tookMs)}, pid ${pid}: ${held === "" ? "no objects yet" : held}`,
    ...(health === "ok" ? [] : ["  degraded: legion status tells what is wrong"]),
    ...(read === "" ? [] : [`  reads    ${read}`]),
    `  socket   ${forTerminal(socket)}`,
    ...(address === undefined ? [] : [`  address  ${forTerminal(address)}`]),
    "",
  ].join("\n");
}

function objectLine({ object, data }: ObjectEventRecord, stream: OutputStream): string {
  const reason = style(data.severity === "warning" ? "yellow" : "green", data.reason, stream);
  const head = `${shortName(object)} ${data.reason}: `;
  return `${shortName(object)} ${reason}: ${fit(data.message, head.length, stream)}`;
}

function turnLine(event: LegionEvent, stream: OutputStream): string | undefined {
  const agent = `agent/${forTerminal(event.agent)}`;
  if (event.kind === "legion.agent.started") {
    const { task, generation, attempt } = event.data;
    const facts = [
      ...(generation === undefined ? [] : [`generation ${generation}`]),
      ...(attempt === undefined ? [] : [`attempt ${attempt}`]),
    ];
    const head = `${agent} turn began${facts.length === 0 ? "" : ` (${facts.join(", ")})`}: `;
    return `${head}${fit(task, head.length, stream)}`;
  }
  if (event.kind === "legion.agent.stopped") {
    const { status, reason, iterations, durationMs } = event.data;
    const end =
      status === "ok"
        ? style("green", "answered", stream)
        : style("yellow", `gave up (${reason ?? "cancelled"})`, stream);
    return `${agent} ${end} after ${count(iterations, "step")}, ${formatDuration(durationMs)}`;
  }
  if (event.kind !== "legion.llm.warning") return undefined;
  const head = `${agent} warning: `;
  return `${style("yellow", head, stream)}${fit(event.data.message, head.length, stream)}`;
}

/** `Agent/default/reviewer` -> `agent/reviewer`; another namespace stays. */
function shortName(object: string): string {
  const [kind = "", namespace = "", name = ""] = forTerminal(object).split("/");
  const middle = namespace === "" || namespace === "default" ? "" : `${namespace}/`;
  return `${kind.toLowerCase()}/${middle}${name}`;
}

/** Text on what is left of the line of a terminal; in a file it is whole. */
function fit(text: string, used: number, stream: OutputStream): string {
  const flat = forTerminal(text).replaceAll(/\s+/g, " ").trim();
  const width = terminalWidth(stream);
  return width === undefined ? flat : cut(flat, Math.max(20, width - TIME_CHARS - used));
}
