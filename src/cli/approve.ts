import { Command } from "clipanion";
import { DecisionCommand } from "./decision-command.ts";

export class ApproveCommand extends DecisionCommand {
  static override paths = [["approve"]];
  static override usage = Command.Usage({
    description: "allow a call that waits for a person",
    details:
      "The approval holds for this call with these arguments, once. legion get questions lists what waits.",
    examples: [
      ["Allow it", "$0 approve 7Q2M4K1T"],
      ["In somebody's name", "$0 approve 7Q2M4K1T --by ada"],
    ],
  });

  async execute(): Promise<number> {
    this.checkOutput();
    return this.decided("approve", (by) => ({ type: "approve", by }));
  }
}
