import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { count } from "../lib/text.ts";
import { titleOf } from "../manifest/plan-text.ts";
import { agentTarget, withAgent } from "./agent-target.ts";
import { ObjectCommand } from "./plane-command.ts";
import { wholeNumber } from "./whole-number.ts";

export class ScaleCommand extends ObjectCommand {
  static override paths = [["scale"]];
  static override usage = Command.Usage({
    description: "set how many replicas of an agent share its messages",
    details:
      "Each replica is a conversation with a memory of its own; spec.routing says which one gets a message. A manifest that declares spec.replicas takes the number back when it is applied the next time.",
    examples: [
      ["Five that share the work", "$0 scale agent/support --replicas 5"],
      ["Back to one", "$0 scale agent/support --replicas 1"],
    ],
  });

  reference = Option.String({ required: false, name: "agent/NAME" });
  replicas = Option.String("--replicas", { description: "how many, from 1 to 100" });

  async execute(): Promise<number> {
    this.checkOutput();
    const replicas = wholeNumber("--replicas", this.replicas);
    if (replicas === undefined || replicas < 1 || replicas > 100) throw noNumber();
    const key = agentTarget(this.reference, this.scope(), "scale");
    await using open = await this.openDaemon();
    const object = await withAgent(open.plane, key, () =>
      open.daemon.scale(key, replicas, "legion scale"),
    );
    await this.print(object, `${titleOf(key)} has ${count(replicas, "replica")}`);
    return 0;
  }
}

function noNumber(): LegionError {
  return new LegionError({
    code: "LEG7001",
    message: "legion scale needs --replicas with a number from 1 to 100",
    hint: "for example: legion scale agent/support --replicas 5",
  });
}
