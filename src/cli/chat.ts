import { join } from "node:path";
import { Command, Option } from "clipanion";
import { titleOf } from "../manifest/plan-text.ts";
import { agentTarget, withAgent } from "./agent-target.ts";
import { openChatInput } from "./chat-input.ts";
import { createChatSession } from "./chat-session.ts";
import { style } from "./error-text.ts";
import { stateFolderOf } from "./plane.ts";
import { ObjectCommand } from "./plane-command.ts";

export class ChatCommand extends ObjectCommand {
  static override paths = [["chat"]];
  static override usage = Command.Usage({
    description: "talk with a running agent",
    details:
      "Every line is a message, and the answer is printed as it comes. Questions and approvals of the agent are answered at the prompt. ^C interrupts the turn and not the agent; ^D leaves; what was said stays. Without a terminal each line of stdin is a message, or the answer to the question that waits, and the exit code is that of the last turn.",
    examples: [
      ["Talk with an agent", "$0 chat agent/assistant"],
      ["In a conversation of its own", "$0 chat agent/assistant --conversation ada"],
      ["From a script", "printf 'Hello\\nAnd now?\\n' | $0 chat agent/assistant"],
    ],
  });

  reference = Option.String({ required: false, name: "agent/NAME" });
  conversation = Option.String("--conversation", "main", {
    description: "which conversation; default: main",
  });

  async execute(): Promise<number> {
    this.checkOutput();
    const agent = agentTarget(this.reference, this.scope(), "chat");
    await using open = await this.openDaemon();
    const { daemon, plane } = open;
    const object = await plane.read(agent);
    if (object === undefined) await withAgent(plane, agent, () => daemon.conversations(agent));
    const { conversation } = this;
    const { stdin, stdout, stderr, signal } = this.context;
    const historyFile = join(stateFolderOf(this.context, this.planeOptions()), "chat-history");
    const onInterrupt = () => session.interrupt();
    const input = await openChatInput({ stdin, stdout, historyFile, onInterrupt });
    const session = createChatSession({
      ...{ daemon, agent, conversation, input, stdout, stderr, signal },
      remark: (text) => this.remark(text),
    });
    signal.addEventListener("abort", () => void input.close(), { once: true });
    this.remark(`${titleOf(agent)}, conversation ${conversation}; /help, ^D leaves`);
    try {
      await session.converse();
    } finally {
      await input.close();
    }
    this.remark("");
    // A person who leaves has seen how the turns ended.
    return signal.aborted ? 130 : isTerminal(stdin) ? 0 : session.exitCode();
  }

  private remark(text: string): void {
    const { stderr } = this.context;
    if (!this.quiet && isTerminal(stderr)) stderr.write(`${style("dim", text, stderr)}\n`);
  }
}

function isTerminal(stream: object): boolean {
  return "isTTY" in stream && stream.isTTY === true;
}
