import { Command } from "clipanion";
import { systemClock } from "../lib/clock.ts";
import { ageText } from "./columns.ts";
import { PlaneCommand } from "./plane-command.ts";
import { renderTable } from "./table.ts";

export class GraveyardListCommand extends PlaneCommand {
  static override paths = [["graveyard", "list"]];
  static override usage = Command.Usage({
    description: "list agents that were deleted or terminated",
    details:
      "Their manifests and conversations are kept; legion graveyard restore brings one back.",
    examples: [
      ["What was buried", "$0 graveyard list"],
      ["For a program", "$0 graveyard list -o json"],
    ],
  });

  async execute(): Promise<number> {
    this.checkOutput();
    await using open = await this.openDaemon();
    const graves = await open.daemon.graves();
    const now = systemClock.now();
    const columns = [
      { title: "agent", isWhole: true },
      { title: "namespace" },
      { title: "age", align: "right" },
      { title: "uid", isSpare: true },
      { title: "reason", isFree: true },
    ] as const;
    const rows = graves.map(({ name, namespace, buriedAt, uid, reason }) => [
      ...[name, namespace, ageText(now - Date.parse(buriedAt)), uid, reason],
    ]);
    const { stdout, stderr } = this.context;
    await this.print(graves, () =>
      graves.length === 0 ? "" : renderTable(columns, rows, { stream: stdout }),
    );
    if (graves.length === 0 && !this.quiet) stderr.write("no graves\n");
    return 0;
  }
}
