import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { PlaneCommand } from "./plane-command.ts";

export class GraveyardRestoreCommand extends PlaneCommand {
  static override paths = [["graveyard", "restore"]];
  static override usage = Command.Usage({
    description: "bring back an agent that was deleted or terminated",
    details:
      "Its last manifest is applied again, and its conversations go on. A manifest repository that does not declare it any more leaves it alone.",
    examples: [
      ["By its name", "$0 graveyard restore reviewer"],
      ["Of a namespace", "$0 graveyard restore team-a/reviewer"],
    ],
  });

  grave = Option.String({ required: false, name: "AGENT" });

  async execute(): Promise<number> {
    this.checkOutput();
    const name = this.grave?.replace(/^agent\//, "");
    if (name === undefined) throw noName();
    await using open = await this.openDaemon();
    const object = await open.daemon.restore(name, "legion graveyard");
    await this.print(object, `agent/${object.metadata.name} restored`);
    return 0;
  }
}

function noName(): LegionError {
  return new LegionError({
    code: "LEG7001",
    message: "legion graveyard restore needs the name of an agent",
    hint: "legion graveyard list shows those that there are",
  });
}
