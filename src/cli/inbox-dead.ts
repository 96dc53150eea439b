import { Command, Option } from "clipanion";
import { systemClock } from "../lib/clock.ts";
import { agentTarget } from "./agent-target.ts";
import { ageText } from "./columns.ts";
import { ObjectCommand } from "./plane-command.ts";
import { shortId } from "./short-id.ts";
import { renderTable } from "./table.ts";

export class InboxDeadCommand extends ObjectCommand {
  static override paths = [["inbox", "dead"]];
  static override usage = Command.Usage({
    description: "list messages that were given up, with the cause",
    details:
      "A message is given up after spec.inbox.maxDeliveries deliveries that came to nothing, or when the process died in its turn again and again. It stays until legion inbox redrive puts it back.",
    examples: [
      ["Of all agents", "$0 inbox dead"],
      ["Of one", "$0 inbox dead agent/reviewer"],
    ],
  });

  reference = Option.String({ required: false, name: "agent/NAME" });

  async execute(): Promise<number> {
    this.checkOutput();
    const key =
      this.reference === undefined
        ? undefined
        : agentTarget(this.reference, this.scope(), "inbox dead");
    await using open = await this.openDaemon();
    const letters = await open.daemon.deadLetters(key);
    const names = new Map(
      (await open.plane.list({ kind: "Agent" })).items.map(({ metadata }) => [
        metadata.uid,
        metadata.name,
      ]),
    );
    const now = systemClock.now();
    const columns = [
      { title: "message", isWhole: true },
      { title: "agent" },
      { title: "from", isSpare: true },
      { title: "died", align: "right" },
      { title: "cause", isFree: true },
      { title: "task", isFree: true },
    ] as const;
    const rows = letters.map(({ id, uid, from = "-", diedAt, cause, task }) => [
      ...[shortId(id), names.get(uid) ?? uid, from, ageText(now - Date.parse(diedAt)), cause, task],
    ]);
    const { stdout, stderr } = this.context;
    await this.print(letters, () =>
      letters.length === 0 ? "" : renderTable(columns, rows, { stream: stdout }),
    );
    if (letters.length === 0 && !this.quiet) stderr.write("no dead letters\n");
    return 0;
  }
}
