import { Command, Option } from "clipanion";
import { forTerminal } from "../lib/text.ts";
import type { ConversationMessage } from "../reconcile/agents-contract.ts";
import { agentTarget, withAgent } from "./agent-target.ts";
import { style } from "./error-text.ts";
import { ObjectCommand } from "./plane-command.ts";
import { readableReply } from "./progress.ts";
import { wholeNumber } from "./whole-number.ts";

const LIMIT = 50;

export class ConversationsShowCommand extends ObjectCommand {
  static override paths = [["conversations", "show"]];
  static override usage = Command.Usage({
    description: "print the newest messages of a conversation",
    details: "As the model reads them. Without a name it is the conversation main.",
    examples: [
      ["What was said", "$0 conversations show agent/assistant"],
      ["In another conversation", "$0 conversations show agent/assistant ada --limit 10"],
    ],
  });

  reference = Option.String({ required: false, name: "agent/NAME" });
  name = Option.String({ required: false, name: "CONVERSATION" });
  limit = Option.String("--limit", { description: `the newest so many; default: ${LIMIT}` });

  async execute(): Promise<number> {
    this.checkOutput();
    const limit = wholeNumber("--limit", this.limit) ?? LIMIT;
    const key = agentTarget(this.reference, this.scope(), "conversations show");
    await using open = await this.openDaemon();
    const messages = await withAgent(open.plane, key, () =>
      open.daemon.messages(key, this.name ?? "main", limit),
    );
    await this.print(messages, () => messages.map((message) => this.text(message)).join(""));
    return 0;
  }

  private text({ type, at, text }: ConversationMessage): string {
    const { stdout } = this.context;
    const head = `${style("bold", type, stdout)} ${style("dim", at.slice(0, 19), stdout)}`;
    const shown = type === "assistant" ? readableReply(text) : text;
    const lines = forTerminal(shown).split("\n");
    return `${head}\n${lines.map((line) => `  ${line}\n`).join("")}`;
  }
}
