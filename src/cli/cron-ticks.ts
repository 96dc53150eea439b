import { Command, Option } from "clipanion";
import { systemClock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { formatDuration } from "../lib/quantities.ts";
import type { Tick, TickState } from "../state/ticks.ts";
import { withAgent } from "./agent-target.ts";
import { none } from "./columns.ts";
import { kindTarget } from "./kind-target.ts";
import { spanText, utcText } from "./moments.ts";
import { ObjectCommand } from "./plane-command.ts";
import { type Cell, renderTable, type TableColumn, type TextStyle } from "./table.ts";
import type { OutputStream } from "./terminal-width.ts";
import { wholeNumber } from "./whole-number.ts";

const LIMIT = 20;

export class CronTicksCommand extends ObjectCommand {
  static override paths = [["cron", "ticks"]];
  static override usage = Command.Usage({
    description: "list what came of the moments of a cron, newest first",
    details:
      "BY is schedule, catchup for a moment that was made up for, or person. STATE: waiting for the run before it, started, ok, failed, cancelled; skipped because an earlier run went on, missed because nobody was there, dropped because the agent took no more.",
    examples: [
      ["The newest ones", "$0 cron ticks nightly"],
      ["The last one, for a program", "$0 cron ticks nightly --limit 1 -o json"],
    ],
  });

  reference = Option.String({ required: false, name: "cron/NAME" });
  limit = Option.String("--limit", { description: `the newest so many; default: ${LIMIT}` });

  async execute(): Promise<number> {
    this.checkOutput();
    const limit = wholeNumber("--limit", this.limit) ?? LIMIT;
    if (limit < 1)
      throw new LegionError({
        code: "LEG7001",
        message: "--limit does not take 0",
        hint: "write a number from 1 on",
      });
    const key = kindTarget("Cron", this.reference, this.scope(), "cron ticks");
    await using open = await this.openDaemon();
    const ticks = await withAgent(open.plane, key, () => open.daemon.cronTicks(key, limit));
    const { stdout, stderr } = this.context;
    await this.print(ticks, () => ticksTable(ticks, stdout, systemClock.now()));
    if (ticks.length === 0 && !this.quiet) stderr.write("no moment of it has come yet\n");
    return 0;
  }
}

const styles: Readonly<Record<TickState, TextStyle | undefined>> = {
  ...{ waiting: "yellow", started: "yellow", ok: "green", failed: "red" },
  ...{ cancelled: "yellow", skipped: "dim", missed: "dim", dropped: "red" },
};

export const tickColumns: readonly TableColumn[] = [
  { title: "when", isWhole: true },
  { title: "by" },
  { title: "state" },
  { title: "duration", align: "right" },
  { title: "reason", isFree: true },
];

/** A moment of a cron as the row of a table. */
export function tickRow({ atMs, by, state, reason = none, startedMs, endedMs }: Tick, now: number) {
  return {
    style: styles[state],
    cells: [
      ...[utcText(atMs), by, state],
      startedMs === undefined ? none : lengthText((endedMs ?? now) - startedMs),
      reason,
    ],
  };
}

function lengthText(ms: number): string {
  return ms < 60_000 ? formatDuration(ms) : spanText(ms);
}

function ticksTable(ticks: readonly Tick[], stream: OutputStream, now: number): string {
  if (ticks.length === 0) return "";
  const rows = ticks.map((tick) => {
    const { cells, style } = tickRow(tick, now);
    return cells.map(
      (text): Cell => (text === tick.state && style !== undefined ? { text, style } : text),
    );
  });
  return renderTable(tickColumns, rows, { stream });
}
