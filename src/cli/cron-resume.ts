import { Command, Option } from "clipanion";
import { titleOf } from "../manifest/plan-text.ts";
import { withAgent } from "./agent-target.ts";
import { cronOf } from "./columns-watching.ts";
import { kindTarget } from "./kind-target.ts";
import { utcText } from "./moments.ts";
import { ObjectCommand } from "./plane-command.ts";

export class CronResumeCommand extends ObjectCommand {
  static override paths = [["cron", "resume"]];
  static override usage = Command.Usage({
    description: "let a cron go on that pauses after a run that failed",
    details:
      "A cron with spec.pauseOnFailure pauses when a run fails. A changed spec ends the pause as well. Moments that went by meanwhile are not caught up.",
    examples: [
      ["See why it pauses, then let it go on", "$0 cron ticks nightly && $0 cron resume nightly"],
      ["One of another namespace", "$0 cron resume nightly -n team-a"],
    ],
  });

  reference = Option.String({ required: false, name: "cron/NAME" });

  async execute(): Promise<number> {
    this.checkOutput();
    const key = kindTarget("Cron", this.reference, this.scope(), "cron resume");
    await using open = await this.openDaemon();
    const object = await withAgent(open.plane, key, () => open.daemon.resumeCron(key));
    const next = cronOf(object)?.next;
    const when = next === undefined ? "" : `; due next at ${utcText(Date.parse(next))}`;
    await this.print(object, `${titleOf(key)} goes on${when}`);
    return 0;
  }
}
