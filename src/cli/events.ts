import { Command, Option } from "clipanion";
import { systemClock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { keyText } from "../state/resource.ts";
import type { DaemonEvent } from "../telemetry/events.ts";
import { ageText } from "./columns.ts";
import { eventLine, isWarning, reasonOf, subjectOf } from "./events-text.ts";
import { ObjectCommand } from "./plane-command.ts";
import { oneTarget } from "./references.ts";
import { sinceFlag } from "./since-flag.ts";
import { createTableWriter, type Row, type TableColumn } from "./table.ts";
import { wholeNumber } from "./whole-number.ts";

const abouts = ["object", "run", "all"] as const;
const SIGINT_EXIT = 130;

const columns: readonly TableColumn[] = [
  { title: "last seen" },
  { title: "type" },
  { title: "reason" },
  { title: "object", isFree: true },
  { title: "message", isFree: true },
];

export class EventsCommand extends ObjectCommand {
  static override paths = [["events"]];
  static override usage = Command.Usage({
    description: "list what happened to the objects of a daemon",
    details:
      "Shows the events that the daemon keeps, oldest first. Those of runs come with --about run; legion logs tells them as a story. With -o json each event is one line.",
    examples: [
      ["What happened lately", "$0 events --since 10m"],
      ["What happens to one agent, from now on", "$0 events --for agent/reviewer -f"],
      ["Everything, for a program", "$0 events --about all -o json"],
    ],
  });

  follow = Option.Boolean("-f,--follow", false, { description: "go on with new events" });
  for = Option.String("--for", { description: "of one object, KIND/NAME" });
  since = Option.String("--since", {
    description: "not older than this, for example 10m; or after the event of this id",
  });
  tail = Option.String("--tail", { description: "only the newest so many of those that are kept" });
  about = Option.String("--about", "object", { description: abouts.join(", ") });
  noHeaders = Option.Boolean("--no-headers", false, { description: "no line of titles" });

  protected override formats(): readonly string[] {
    return ["text", "json"];
  }

  override output = Option.String("-o,--output", "text", { description: "text or json" });

  async execute(): Promise<number> {
    const isJson = this.checkOutput().name === "json";
    const about = this.aboutFlag();
    const limit = wholeNumber("--tail", this.tail);
    const { stdout, signal } = this.context;
    const key = this.for === undefined ? undefined : oneTarget([this.for], this.scope());
    const { id, afterMs } = sinceFlag(this.since);
    await using opened = await this.openDaemon();
    const query = {
      follow: this.follow,
      ...(id !== undefined && { since: id }),
      ...(key !== undefined && { object: keyText(key) }),
      ...(about !== "all" && { about }),
      ...(limit !== undefined && { limit }),
    };
    const table = createTableWriter(columns, { stream: stdout, noHeaders: this.noHeaders });
    const kept: DaemonEvent[] = [];
    for await (const event of opened.daemon.events(query, signal)) {
      if (Date.parse(event.at) < afterMs) continue;
      if (isJson) stdout.write(`${JSON.stringify(event)}\n`);
      else if (this.follow) stdout.write(table.write(rows([event])));
      else kept.push(event);
    }
    if (!isJson && kept.length > 0) stdout.write(table.write(rows(kept)));
    else if (!isJson && !this.follow && !this.quiet) this.context.stderr.write("no events\n");
    return signal.aborted ? SIGINT_EXIT : 0;
  }

  private aboutFlag(): (typeof abouts)[number] {
    const found = abouts.find((about) => about === this.about);
    if (found !== undefined) return found;
    throw new LegionError({
      code: "LEG7001",
      message: `--about does not take "${this.about}"`,
      hint: `use one of: ${abouts.join(", ")}`,
      valid: abouts,
    });
  }
}

function rows(events: readonly DaemonEvent[]): readonly Row[] {
  const now = systemClock.now();
  return events.flatMap((event) => {
    const line = event.kind === "legion.object" ? event.data.message : eventLine(event);
    if (line === undefined) return [];
    const warning = isWarning(event);
    return [
      [
        ageText(now - Date.parse(event.at)),
        warning ? { text: "Warning", style: "yellow" } : "Normal",
        reasonOf(event),
        subjectOf(event),
        line,
      ] satisfies Row,
    ];
  });
}
