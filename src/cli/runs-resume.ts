import { Command } from "clipanion";
import { RunIdCommand } from "./run-command.ts";

export class RunsResumeCommand extends RunIdCommand {
  static override paths = [["runs", "resume"]];
  static override usage = Command.Usage({
    description: "give an agent the task of a run that came to nothing again",
    details:
      "For runs that were cancelled: by a provider that failed, a timeout, an interruption. The agent begins with the same task in the same conversation, as a new run. A run that a crash cut off needs no help: the next daemon goes on with it.",
    examples: [
      ["Try again", "$0 runs resume 7Q2M4K1T"],
      ["Try again, and follow the agent", "$0 runs resume 7Q2M4K1T && $0 attach agent/reviewer"],
    ],
  });

  async execute(): Promise<number> {
    this.checkOutput();
    const id = this.runId("resume");
    await using open = await this.openDaemon();
    const report = await open.daemon.resumeRun(id);
    await this.print(report, `the task of run ${id} waits again, as message ${report.message}`);
    return 0;
  }
}
