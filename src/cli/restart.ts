import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { titleOf } from "../manifest/plan-text.ts";
import { agentTarget, withAgent } from "./agent-target.ts";
import { ObjectCommand } from "./plane-command.ts";

export class RestartCommand extends ObjectCommand {
  static override paths = [["restart"]];
  static override usage = Command.Usage({
    description: "cancel the turns of an agent and let it run again",
    details:
      "Its conversations and the messages that wait stay, and delays after faults are over. legion rollout restart begins a new conversation instead, once the turn has ended.",
    examples: [
      ["An agent that is stuck", "$0 restart agent/reviewer"],
      ["With the reason for the record", "$0 restart agent/reviewer --reason 'hangs in a tool'"],
    ],
  });

  reference = Option.String({ required: false, name: "agent/NAME" });
  reason = Option.String("--reason", { description: "why, for the record" });

  async execute(): Promise<number> {
    this.checkOutput();
    const key = agentTarget(this.reference, this.scope(), "restart");
    const why = { reason: this.reason ?? "", actor: "legion restart" };
    await using open = await this.openDaemon();
    const object = await withAgent(open.plane, key, async () => {
      await open.daemon.move(key, "stopped", why).catch(unlessStopped);
      await open.daemon.interrupt(key);
      return open.daemon.move(key, "running", why);
    });
    await this.print(object, `${titleOf(key)} restarted`);
    return 0;
  }
}

/** One that is stopped already is as it is to be. */
function unlessStopped(error: unknown): void {
  if (!(error instanceof LegionError) || error.code !== "LEG2070") throw error;
}
