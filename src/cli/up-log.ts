import { formatDuration } from "../lib/quantities.ts";
import { count, forTerminal } from "../lib/text.ts";
import type { DaemonStatus } from "../reconcile/contract.ts";
import type { DaemonEvent, LegionEvent, ObjectEventRecord } from "../telemetry/events.ts";
import { style } from "./error-text.ts";

const WIDTH = 80;
/** `12:34:56 `. */
const TIME_CHARS = 9;

/** The line that an event is worth in the log of `legion up`, with its time before it; undefined for the steps within a turn. */
export function eventLine(event: DaemonEvent, stream: NodeJS.WritableStream): string | undefined {
  const text = event.kind === "legion.object" ? objectLine(event, stream) : turnLine(event, stream);
  if (text === undefined) return undefined;
  return `${style("dim", event.at.slice(11, 19), stream)} ${text}\n`;
}

/** The line that says that the daemon serves, what it holds, and how it is spoken to. */
export function readyLines(
  { pid, socket, address, objects, sources, health }: DaemonStatus,
  tookMs: number,
  stream: NodeJS.WritableStream,
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

function objectLine({ object, data }: ObjectEventRecord, stream: NodeJS.WritableStream): string {
  const reason = style(data.severity === "warning" ? "yellow" : "green", data.reason, stream);
  const head = `${shortName(object)} ${data.reason}: `;
  return `${shortName(object)} ${reason}: ${fit(data.message, head.length)}`;
}

function turnLine(event: LegionEvent, stream: NodeJS.WritableStream): string | undefined {
  const agent = `agent/${forTerminal(event.agent)}`;
  if (event.kind === "legion.agent.started") {
    const { task, generation } = event.data;
    const head = `${agent} turn began${generation === undefined ? "" : ` (generation ${generation})`}: `;
    return `${head}${fit(task, head.length)}`;
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
  return `${style("yellow", head, stream)}${fit(event.data.message, head.length)}`;
}

/** `Agent/default/reviewer` -> `agent/reviewer`; another namespace stays. */
function shortName(object: string): string {
  const [kind = "", namespace = "", name = ""] = forTerminal(object).split("/");
  const middle = namespace === "" || namespace === "default" ? "" : `${namespace}/`;
  return `${kind.toLowerCase()}/${middle}${name}`;
}

/** Text on what is left of the line; a whole sentence is in the events and the status. */
function fit(text: string, used: number): string {
  const flat = forTerminal(text).replaceAll(/\s+/g, " ").trim();
  const room = Math.max(20, WIDTH - TIME_CHARS - used);
  return flat.length <= room ? flat : `${flat.slice(0, room - 1).toWellFormed()}…`;
}
