import { Command } from "clipanion";
import { systemClock } from "../lib/clock.ts";
import { titleOf } from "../manifest/plan-text.ts";
import { ageText, none } from "./columns.ts";
import { spanText } from "./moments.ts";
import { PlaneCommand } from "./plane-command.ts";
import { shortId } from "./short-id.ts";
import { renderTable } from "./table.ts";

export class SilenceListCommand extends PlaneCommand {
  static override paths = [["silence", "list"]];
  static override usage = Command.Usage({
    description: "list the silences of watchers that go on, oldest first",
    details: "Those of all namespaces. What is over is not kept.",
    examples: [
      ["What is silent now", "$0 silence list"],
      ["Who made it silent, for a program", "$0 silence list -o jsonpath='{[*].by}'"],
    ],
  });

  async execute(): Promise<number> {
    this.checkOutput();
    await using open = await this.openDaemon();
    const silences = await open.daemon.silences();
    const now = systemClock.now();
    const columns = [
      { title: "id", isWhole: true },
      { title: "watcher" },
      { title: "ends in", align: "right" },
      { title: "age", align: "right", isSpare: true },
      { title: "by" },
      { title: "reason", isFree: true },
    ] as const;
    const rows = silences.map(({ id, watcher, until, at, by, reason }) => [
      ...[shortId(id), titleOf(watcher), spanText(Date.parse(until) - now)],
      ...[ageText(now - Date.parse(at)), by, reason || none],
    ]);
    const { stdout, stderr } = this.context;
    await this.print(silences, () =>
      silences.length === 0 ? "" : renderTable(columns, rows, { stream: stdout }),
    );
    if (silences.length === 0 && !this.quiet) stderr.write("no watcher is silent\n");
    return 0;
  }
}
