import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import type { EventQuery } from "../reconcile/contract.ts";
import { keyText } from "../state/resource.ts";
import type { DaemonEvent } from "../telemetry/events.ts";
import { agentWords } from "./agent-target.ts";
import { style } from "./error-text.ts";
import { answerLine, eventLine, isWarning } from "./events-text.ts";
import type { OpenPlane } from "./plane.ts";
import { ObjectCommand } from "./plane-command.ts";
import { notFound, oneTarget, plural } from "./references.ts";
import { sinceFlag } from "./since-flag.ts";
import { cut } from "./table.ts";
import { terminalWidth } from "./terminal-width.ts";
import { wholeNumber } from "./whole-number.ts";
import { wrapText } from "./wrap-text.ts";

const SIGINT_EXIT = 130;

export class LogsCommand extends ObjectCommand {
  static override paths = [["logs"]];
  static override usage = Command.Usage({
    description: "tell what an agent did: its turns, steps, tool calls and answers",
    details:
      "Reads the events that the daemon keeps of the agent's runs, one line each, oldest first. On a terminal a line is cut at its width; -o json has everything, a line an event. The lines of a turn name the message that it answers: grep for the id that legion tell prints.",
    examples: [
      ["The last twenty lines of an agent", "$0 logs agent/reviewer --tail 20"],
      ["What it does from now on", "$0 logs agent/reviewer -f --tail 0"],
      ["The answer to a message", "$0 logs agent/reviewer | grep 01M7ABCDEFGHJKMNPQRSTVWXYZ"],
      ["For a program", "$0 logs agent/reviewer -o json"],
    ],
  });

  override output = Option.String("-o,--output", "text", { description: "text or json" });
  words = Option.Rest({ name: "agent/NAME" });
  follow = Option.Boolean("-f,--follow", false, { description: "go on with new lines" });
  since = Option.String("--since", {
    description: "not older than this, for example 10m; or after the event of this id",
  });
  tail = Option.String("--tail", { description: "only the newest so many lines" });

  protected override formats(): readonly string[] {
    return ["text", "json"];
  }

  async execute(): Promise<number> {
    const isJson = this.checkOutput().name === "json";
    const tail = wholeNumber("--tail", this.tail);
    const { id, afterMs } = sinceFlag(this.since);
    const key = oneTarget(agentWords(this.words), this.scope());
    if (key.kind !== "Agent") throw hasNoLogs(key.kind);
    await using opened = await this.openDaemon();
    const query: EventQuery = {
      ...{ object: keyText(key), about: "run" },
      ...(id !== undefined && { since: id }),
    };
    const lineOf = (event: DaemonEvent) => {
      if (Date.parse(event.at) < afterMs) return undefined;
      return isJson ? JSON.stringify(event) : this.line(event);
    };
    const { lines, last } = await this.kept(opened, query, lineOf);
    if (lines.length === 0 && (await opened.plane.read(key)) === undefined) {
      throw await notFound(opened.plane, key);
    }
    const { stdout, signal, stderr } = this.context;
    const shown = tail === undefined ? lines : lines.slice(Math.max(0, lines.length - tail));
    stdout.write(shown.map((line) => `${line}\n`).join(""));
    if (lines.length === 0 && !this.quiet && !isJson)
      stderr.write(
        this.since === undefined ? "it has not done anything yet\n" : "nothing since then\n",
      );
    if (this.follow) {
      const later = { ...query, follow: true, ...(last !== undefined && { since: last }) };
      for await (const event of opened.daemon.events(later, signal)) {
        const line = lineOf(event);
        if (line !== undefined) stdout.write(`${line}\n`);
      }
    }
    return signal.aborted ? SIGINT_EXIT : 0;
  }

  /** The lines of what the daemon keeps, and the id of the last event. */
  private async kept(
    { daemon }: OpenPlane,
    query: EventQuery,
    lineOf: (event: DaemonEvent) => string | undefined,
  ): Promise<{ readonly lines: readonly string[]; readonly last: string | undefined }> {
    const lines: string[] = [];
    let last: string | undefined;
    for await (const event of daemon?.events(query, this.context.signal) ?? []) {
      last = event.id;
      const line = lineOf(event);
      if (line !== undefined) lines.push(...line.split("\n"));
    }
    return { lines, last };
  }

  private line(event: DaemonEvent): string | undefined {
    const text = eventLine(event);
    if (text === undefined) return undefined;
    const { stdout } = this.context;
    const time = event.at.slice(11, 19);
    const width = terminalWidth(stdout);
    const room = width === undefined ? Number.POSITIVE_INFINITY : width - time.length - 1;
    const lines = [cut(text, room), ...answerLines(event, room)];
    return lines
      .map((line) => (isWarning(event) ? style("yellow", line, stdout) : line))
      .map((line) => `${style("dim", time, stdout)} ${line}`)
      .join("\n");
  }
}

/** An answer is what people look for here: it is not cut at the width of a terminal. */
function answerLines(event: DaemonEvent, room: number): readonly string[] {
  const line = answerLine(event);
  if (line === undefined) return [];
  return wrapText(line.trim(), Math.max(20, room - 4)).map(
    (part, index) => `${index === 0 ? "  " : "    "}${part}`,
  );
}

function hasNoLogs(kind: string): LegionError {
  return new LegionError({
    code: "LEG7002",
    message: `${plural(kind)} have no logs`,
    hint: `name an agent, agent/NAME; legion events --for ${kind.toLowerCase()}/NAME tells what happened to other objects`,
  });
}
