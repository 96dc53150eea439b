import { Command } from "clipanion";
import { RunIdCommand } from "./run-command.ts";

export class RunsCancelCommand extends RunIdCommand {
  static override paths = [["runs", "cancel"]];
  static override usage = Command.Usage({
    description: "cancel a run, and those that it started",
    details: "The agent goes on with its next message. Exit code 1: the run does not run any more.",
    examples: [
      ["Cancel one", "$0 runs cancel 7Q2M4K1T"],
      ["For a program", "$0 runs cancel 7Q2M4K1T -o json"],
    ],
  });

  async execute(): Promise<number> {
    this.checkOutput();
    const id = this.runId("cancel");
    await using open = await this.openDaemon();
    const report = await open.daemon.cancelRun(id);
    await this.print(report, report.cancelled ? `run ${id} cancelled` : "");
    if (!report.cancelled && !this.quiet) {
      this.context.stderr.write(`run ${id} has ended already: legion runs show ${id}\n`);
    }
    return report.cancelled ? 0 : 1;
  }
}
