import { Command, Option } from "clipanion";
import { systemClock } from "../lib/clock.ts";
import { agentTarget, withAgent } from "./agent-target.ts";
import { ageText } from "./columns.ts";
import { ObjectCommand } from "./plane-command.ts";
import { renderTable } from "./table.ts";

export class ConversationsListCommand extends ObjectCommand {
  static override paths = [["conversations", "list"]];
  static override usage = Command.Usage({
    description: "list the conversations of an agent",
    details:
      "Each has a memory of its own, which outlives the daemon. Messages without --conversation go to main, or to one of the replicas.",
    examples: [
      ["Of an agent", "$0 conversations list agent/assistant"],
      ["Begin one more", "$0 ask agent/assistant --conversation ada 'Hello'"],
    ],
  });

  reference = Option.String({ required: false, name: "agent/NAME" });

  async execute(): Promise<number> {
    this.checkOutput();
    const key = agentTarget(this.reference, this.scope(), "conversations list");
    await using open = await this.openDaemon();
    const found = await withAgent(open.plane, key, () => open.daemon.conversations(key));
    const now = systemClock.now();
    const columns = [
      { title: "conversation", isWhole: true },
      { title: "turns", align: "right" },
      { title: "messages", align: "right" },
      { title: "last", align: "right" },
      { title: "age", align: "right" },
    ] as const;
    const rows = found.map(({ name, turns, messages, updatedAt, createdAt }) => [
      ...[name, `${turns}`, `${messages}`],
      ...[ageText(now - Date.parse(updatedAt)), ageText(now - Date.parse(createdAt))],
    ]);
    const { stdout, stderr } = this.context;
    await this.print(found, () =>
      found.length === 0 ? "" : renderTable(columns, rows, { stream: stdout }),
    );
    if (found.length === 0 && !this.quiet) stderr.write("it has had no conversation yet\n");
    return 0;
  }
}
