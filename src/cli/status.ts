import { Command } from "clipanion";
import { PlaneCommand } from "./plane-command.ts";
import { statusText } from "./status-report.ts";

export class StatusCommand extends PlaneCommand {
  static override paths = [["status"]];
  static override usage = Command.Usage({
    description: "show how the daemon stands, and everything that is wrong",
    details:
      "Its health, what it reads and when that was applied last, how many objects of each kind are ready, and each problem with its reason. Exit code 4: no daemon runs.",
    examples: [
      ["The daemon of the working folder", "$0 status"],
      ["Only its health", "$0 status -o jsonpath='{.health}'"],
    ],
  });

  async execute(): Promise<number> {
    this.checkOutput();
    await using open = await this.openDaemon();
    const status = await open.daemon.status();
    await this.print(status, statusText(status, Date.now(), this.context.stdout));
    return 0;
  }
}
