import { Command } from "clipanion";
import type { RollbackReport } from "../reconcile/agents-contract.ts";
import { RunIdCommand } from "./run-command.ts";
import { renderTable } from "./table.ts";

export class RunsRollbackCommand extends RunIdCommand {
  static override paths = [["runs", "rollback"]];
  static override usage = Command.Usage({
    description: "undo what the tools of a run did, newest call first",
    details:
      "Calls the revert of each function that has one, with the arguments and the result of the call. It is recorded step by step, so that it can be called again after a failure and undoes nothing twice. Exit code 1: a revert failed, and earlier calls were not touched.",
    examples: [
      ["Undo a run", "$0 runs rollback 7Q2M4K1T"],
      ["See first which calls it made", "$0 runs show 7Q2M4K1T"],
    ],
  });

  async execute(): Promise<number> {
    this.checkOutput();
    const id = this.runId("rollback");
    await using open = await this.openDaemon();
    const report = await open.daemon.rollbackRun(id);
    await this.print(report, () => this.text(report));
    return report.calls.some(({ outcome }) => outcome === "failed") ? 1 : 0;
  }

  private text({ run, calls }: RollbackReport): string {
    if (calls.length === 0) return `run ${run} has called nothing`;
    const columns = [{ title: "call" }, { title: "outcome" }, { title: "why", isFree: true }];
    const rows = calls.map(({ name, outcome, message = "-" }) => [name, outcome, message]);
    return renderTable(columns, rows, { stream: this.context.stdout });
  }
}
