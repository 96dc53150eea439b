import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { count } from "../lib/text.ts";
import { titleOf } from "../manifest/plan-text.ts";
import { agentTarget, withAgent } from "./agent-target.ts";
import { ObjectCommand } from "./plane-command.ts";

const ACTOR = "legion stop";

export class StopCommand extends ObjectCommand {
  static override paths = [["stop"]];
  static override usage = Command.Usage({
    description: "let an agent take no messages; --all stops every agent at once",
    details:
      "A turn that runs ends first; with --now it is cancelled. Messages that wait stay; new ones are refused until legion resume. --all is the kill switch: it cancels every turn of every agent and stops all of them.",
    examples: [
      ["Stop an agent", "$0 stop agent/reviewer"],
      ["The kill switch", "$0 stop --all --reason 'wrong model'"],
    ],
  });

  reference = Option.String({ required: false, name: "agent/NAME" });
  all = Option.Boolean("--all", false, { description: "every agent of the daemon, at once" });
  now = Option.Boolean("--now", false, { description: "cancel the turn that runs" });
  reason = Option.String("--reason", { description: "why, for the record" });

  async execute(): Promise<number> {
    this.checkOutput();
    const why = { reason: this.reason ?? "", actor: ACTOR };
    if (this.all) {
      if (this.reference !== undefined) throw bothNamed(this.reference);
      await using open = await this.openDaemon();
      const report = await open.daemon.stopAll(why);
      await this.print(report, `${count(report.stopped, "agent")} stopped`);
      return 0;
    }
    const key = agentTarget(this.reference, this.scope(), "stop");
    await using open = await this.openDaemon();
    const object = await withAgent(open.plane, key, () => open.daemon.move(key, "stopped", why));
    if (this.now) await open.daemon.interrupt(key);
    await this.print(object, `${titleOf(key)} stopped`);
    return 0;
  }
}

function bothNamed(name: string): LegionError {
  return new LegionError({
    code: "LEG7001",
    message: `--all stops every agent, and "${name}" names one`,
    hint: "leave one of the two out",
  });
}
