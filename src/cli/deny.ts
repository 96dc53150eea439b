import { Command, Option } from "clipanion";
import { DecisionCommand } from "./decision-command.ts";

export class DenyCommand extends DecisionCommand {
  static override paths = [["deny"]];
  static override usage = Command.Usage({
    description: "refuse a call that waits for a person",
    details: "The agent's code gets an error that says so, with the reason.",
    examples: [
      ["Refuse it", "$0 deny 7Q2M4K1T"],
      ["And say why", "$0 deny 7Q2M4K1T --reason 'above the limit of this customer'"],
    ],
  });

  reason = Option.String("--reason", { description: "why, for the agent" });

  async execute(): Promise<number> {
    this.checkOutput();
    const { reason } = this;
    return this.decided("deny", (by) => ({ type: "deny", by, ...(reason && { reason }) }));
  }
}
