import { Command } from "clipanion";
import { count } from "../lib/text.ts";
import type { ReplayReport } from "../reconcile/agents-contract.ts";
import { RunIdCommand } from "./run-command.ts";

export class RunsReplayCommand extends RunIdCommand {
  static override paths = [["runs", "replay"]];
  static override usage = Command.Usage({
    description: "do a run again from its record, offline, and tell where it differs",
    details:
      "The answers of the model and the results of the calls come from the record, so that nothing is asked and nothing is done; the code is run again. Exit code 1: something differs.",
    examples: [
      ["Does it come to the same?", "$0 runs replay 7Q2M4K1T"],
      ["For a program", "$0 runs replay 7Q2M4K1T -o json"],
    ],
  });

  async execute(): Promise<number> {
    this.checkOutput();
    const id = this.runId("replay");
    await using open = await this.openDaemon();
    const report = await open.daemon.replayRun(id);
    await this.print(report, replayText(report));
    return report.isSame ? 0 : 1;
  }
}

function replayText({ run, steps, isSame, differences }: ReplayReport): string {
  if (isSame) return `run ${run}: ${count(steps, "step")}, the same again`;
  const lines = differences.flatMap(({ seq, type, message, recorded, replayed }) => [
    `step ${seq} ${type}: ${message}`,
    ...(recorded === undefined ? [] : [`  recorded: ${recorded}`]),
    ...(replayed === undefined ? [] : [`  replayed: ${replayed}`]),
  ]);
  return [`run ${run} differs from its record`, ...lines].join("\n");
}
