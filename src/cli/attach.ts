import { Command, Option } from "clipanion";
import { forTerminal } from "../lib/text.ts";
import type { EventQuery } from "../reconcile/contract.ts";
import { keyText, type ResourceKey } from "../state/resource.ts";
import type { DaemonEvent } from "../telemetry/events.ts";
import { agentTarget } from "./agent-target.ts";
import { style } from "./error-text.ts";
import { answerLine, eventLine, isWarning } from "./events-text.ts";
import type { OpenPlane } from "./plane.ts";
import { ObjectCommand } from "./plane-command.ts";
import { readableReply } from "./progress.ts";
import { notFound } from "./references.ts";
import { terminalWidth } from "./terminal-width.ts";
import { wholeNumber } from "./whole-number.ts";
import { wrapText } from "./wrap-text.ts";

const REPLAYED = 30;
const MARGIN = "         ";

export class AttachCommand extends ObjectCommand {
  static override paths = [["attach"]];
  static override usage = Command.Usage({
    description: "follow one agent live, after its recent events",
    details:
      "Prints what the agent reads, writes and calls, whole, until ^C or ^D, which leave the agent alone. legion logs has the same in a line each.",
    examples: [
      ["What an agent does", "$0 attach agent/reviewer"],
      ["From now on only", "$0 attach agent/reviewer --replay 0"],
    ],
  });

  override output = Option.String("-o,--output", "text", { description: "text or json" });
  reference = Option.String({ required: false, name: "agent/NAME" });
  replay = Option.String("--replay", {
    description: `how many recent events come first; default: ${REPLAYED}`,
  });

  protected override formats(): readonly string[] {
    return ["text", "json"];
  }

  async execute(): Promise<number> {
    const isJson = this.checkOutput().name === "json";
    const replay = wholeNumber("--replay", this.replay) ?? REPLAYED;
    const key = agentTarget(this.reference, this.scope(), "attach");
    await using open = await this.openDaemon();
    if ((await open.plane.read(key)) === undefined) throw await notFound(open.plane, key);
    const leaving = new AbortController();
    const leave = () => leaving.abort();
    this.context.signal.addEventListener("abort", leave, { once: true });
    this.leaveAtEnd(leave);
    const print = (event: DaemonEvent) => {
      const text = isJson ? JSON.stringify(event) : this.text(event);
      if (text !== undefined) this.context.stdout.write(`${text}\n`);
    };
    await follow(open, key, replay, leaving.signal, print);
    return this.context.signal.aborted ? 130 : 0;
  }

  /** At a terminal ^D ends the input; a pipe that is empty from the start means nothing. */
  private leaveAtEnd(leave: () => void): void {
    const { stdin, stderr } = this.context;
    if (!("isTTY" in stdin) || stdin.isTTY !== true) return;
    if (!this.quiet) stderr.write(`${style("dim", "attached; ^C or ^D leaves", stderr)}\n`);
    stdin.on("end", leave).resume();
  }

  private text(event: DaemonEvent): string | undefined {
    const { stdout } = this.context;
    const width = Math.max(40, terminalWidth(stdout) ?? 100) - MARGIN.length;
    const head = eventLine(event);
    const body = bodyOf(event);
    if (head === undefined && body === undefined) return undefined;
    const time = style("dim", event.at.slice(11, 19), stdout);
    const lines = [
      ...(head === undefined ? [] : wrapText(head, width)),
      ...(body ?? "").split("\n").flatMap((line) => (line === "" ? [] : wrapped(line, width - 2))),
    ];
    const [first = "", ...rest] = lines.map((line) =>
      isWarning(event) ? style("yellow", line, stdout) : line,
    );
    return [`${time} ${first}`, ...rest.map((line) => `${MARGIN}${line}`)].join("\n");
  }
}

/** Text keeps its indentation; a line that is too wide goes on below. */
function wrapped(line: string, width: number): readonly string[] {
  const margin = /^\s*/.exec(line)?.[0].slice(0, 20) ?? "";
  return wrapText(line.trim(), width - margin.length).map((part) => `  ${margin}${part}`);
}

/** What a line leaves out: the words of model, tools and people. */
function bodyOf(event: DaemonEvent): string | undefined {
  if (event.kind === "legion.agent.message.added") {
    const { type, text } = event.data;
    return `${type}:\n${forTerminal(type === "assistant" ? readableReply(text) : text)}`;
  }
  return answerLine(event)?.trim();
}

async function follow(
  { daemon }: OpenPlane,
  key: ResourceKey,
  replay: number,
  signal: AbortSignal,
  print: (event: DaemonEvent) => void,
): Promise<void> {
  if (daemon === undefined) return;
  const query: EventQuery = { object: keyText(key) };
  let last: string | undefined;
  const recent: DaemonEvent[] = [];
  for await (const event of daemon.events(query, signal)) {
    last = event.id;
    if (event.kind !== "legion.llm.delta") recent.push(event);
    if (recent.length > replay) recent.shift();
  }
  for (const event of recent) print(event);
  const later = { ...query, follow: true, ...(last !== undefined && { since: last }) };
  for await (const event of daemon.events(later, signal)) print(event);
}
