import { Command, Option } from "clipanion";
import { titleOf } from "../manifest/plan-text.ts";
import { agentTarget, withAgent } from "./agent-target.ts";
import { ObjectCommand } from "./plane-command.ts";

export class RolloutRestartCommand extends ObjectCommand {
  static override paths = [["rollout", "restart"]];
  static override usage = Command.Usage({
    description: "begin a new conversation of a running agent",
    details:
      "A turn that runs ends first. Messages that wait stay and are answered in the new conversation. Needs a daemon.",
    examples: [
      ["Let an agent forget what was said", "$0 rollout restart agent/reviewer"],
      ["One of another namespace", "$0 rollout restart agent/reviewer -n team-a"],
    ],
  });

  reference = Option.String({ required: false, name: "agent/NAME" });

  async execute(): Promise<number> {
    this.checkOutput();
    const key = agentTarget(this.reference, this.scope(), "rollout restart");
    await using open = await this.openDaemon();
    const object = await withAgent(open.plane, key, () => open.daemon.restart(key));
    await this.print(object, `${titleOf(key)} restarted`);
    return 0;
  }
}
