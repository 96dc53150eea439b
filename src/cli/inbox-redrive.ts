import { Command, Option } from "clipanion";
import { count } from "../lib/text.ts";
import { titleOf } from "../manifest/plan-text.ts";
import { agentTarget, withAgent } from "./agent-target.ts";
import { ObjectCommand } from "./plane-command.ts";

export class InboxRedriveCommand extends ObjectCommand {
  static override paths = [["inbox", "redrive"]];
  static override usage = Command.Usage({
    description: "put dead letters of an agent back into its inbox",
    details: "They are delivered as if they had come now. Without ids all of them are.",
    examples: [
      ["All of an agent", "$0 inbox redrive agent/reviewer"],
      ["One of them", "$0 inbox redrive agent/reviewer 7Q2M4K1T"],
    ],
  });

  words = Option.Rest({ name: "agent/NAME MESSAGE" });

  async execute(): Promise<number> {
    this.checkOutput();
    const [reference, ...ids] = this.words;
    const key = agentTarget(reference, this.scope(), "inbox redrive");
    await using open = await this.openDaemon();
    const report = await withAgent(open.plane, key, async () => {
      if (ids.length === 0) return open.daemon.redrive(key);
      const known = (await open.daemon.deadLetters(key)).map(({ id }) => id);
      const whole = ids.map((word) => known.find((id) => id.endsWith(word.toUpperCase())) ?? word);
      return open.daemon.redrive(key, whole);
    });
    await this.print(report, `${count(report.redriven, "message")} back in ${titleOf(key)}`);
    return report.redriven === 0 && ids.length > 0 ? 1 : 0;
  }
}
