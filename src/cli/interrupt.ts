import { Command, Option } from "clipanion";
import { count } from "../lib/text.ts";
import { titleOf } from "../manifest/plan-text.ts";
import { agentTarget, withAgent } from "./agent-target.ts";
import { ObjectCommand } from "./plane-command.ts";

export class InterruptCommand extends ObjectCommand {
  static override paths = [["interrupt"]];
  static override usage = Command.Usage({
    description: "cancel the turn that an agent has; the agent goes on",
    details:
      "Whoever waits for the answer hears that it was interrupted. The next message follows.",
    examples: [
      ["Every turn of an agent", "$0 interrupt agent/reviewer"],
      ["Of one conversation only", "$0 interrupt agent/reviewer --conversation ada"],
    ],
  });

  reference = Option.String({ required: false, name: "agent/NAME" });
  conversation = Option.String("--conversation", { description: "only the turn of this one" });

  async execute(): Promise<number> {
    this.checkOutput();
    const key = agentTarget(this.reference, this.scope(), "interrupt");
    await using open = await this.openDaemon();
    const report = await withAgent(open.plane, key, () =>
      open.daemon.interrupt(key, this.conversation),
    );
    await this.print(report, `${count(report.interrupted, "turn")} of ${titleOf(key)} cancelled`);
    return 0;
  }
}
