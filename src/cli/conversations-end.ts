import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { titleOf } from "../manifest/plan-text.ts";
import { agentTarget, withAgent } from "./agent-target.ts";
import { ObjectCommand } from "./plane-command.ts";

export class ConversationsEndCommand extends ObjectCommand {
  static override paths = [["conversations", "end"]];
  static override usage = Command.Usage({
    description: "end a conversation of an agent for good",
    details:
      "What was said in it is forgotten; messages that wait for it get no answer. Exit code 1: there was none of that name.",
    examples: [
      ["End one", "$0 conversations end agent/assistant ada"],
      ["See which there are", "$0 conversations list agent/assistant"],
    ],
  });

  reference = Option.String({ required: false, name: "agent/NAME" });
  name = Option.String({ required: false, name: "CONVERSATION" });

  async execute(): Promise<number> {
    this.checkOutput();
    const key = agentTarget(this.reference, this.scope(), "conversations end");
    const { name } = this;
    if (name === undefined) throw noName(key.name);
    await using open = await this.openDaemon();
    const report = await withAgent(open.plane, key, () => open.daemon.endConversation(key, name));
    const what = report.ended ? "ended" : "was not there";
    await this.print(report, `conversation ${name} of ${titleOf(key)} ${what}`);
    return report.ended ? 0 : 1;
  }
}

function noName(agent: string): LegionError {
  return new LegionError({
    code: "LEG7001",
    message: "legion conversations end needs the name of a conversation",
    hint: `legion conversations list agent/${agent} shows those that there are`,
  });
}
