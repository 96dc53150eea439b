import { Command } from "clipanion";
import { count } from "../lib/text.ts";
import { DEFAULT_NAMESPACE } from "../manifest/loaded.ts";
import { agentTarget, withAgent } from "./agent-target.ts";
import { style } from "./error-text.ts";
import { MessageCommand } from "./message-command.ts";

export class TellCommand extends MessageCommand {
  static override paths = [["tell"]];
  static override usage = Command.Usage({
    description: "put a message into the inbox of a running agent",
    details:
      "It is on disk when the command ends, and is answered also when the daemon is started anew. Prints the id of the message; how many wait, and where the answer can be read, is told on stderr. A task of - is read from stdin.",
    examples: [
      ["Leave a task", "$0 tell agent/reviewer 'Review the branch fix-login'"],
      [
        "A longer one from a file, and follow the agent",
        "$0 tell agent/reviewer - < task.md && $0 logs agent/reviewer -f",
      ],
    ],
  });

  async execute(): Promise<number> {
    this.checkOutput();
    const key = agentTarget(this.reference, this.scope(), "tell");
    const { namespace, name } = key;
    const task = await this.requiredTask("tell");
    await using open = await this.openDaemon();
    const message = { namespace, name, task, from: "legion tell", ...(await this.addressed()) };
    const told = await withAgent(open.plane, key, () => open.daemon.tell(message));
    await this.print(told, told.message);
    const { stderr } = this.context;
    const where = namespace === DEFAULT_NAMESPACE ? "" : ` -n ${namespace}`;
    const next = `its answer will be in legion logs agent/${name}${where} | grep ${told.message}`;
    if (!this.quiet)
      stderr.write(
        `${style("dim", `${count(told.queued, "message")} waiting; ${next}`, stderr)}\n`,
      );
    return 0;
  }
}
