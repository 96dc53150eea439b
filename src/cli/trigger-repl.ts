import { join } from "node:path";
import { Command, Option } from "clipanion";
import { systemClock } from "../lib/clock.ts";
import { triggerLanguage } from "../trigger/language.ts";
import { openChatInput } from "./chat-input.ts";
import { style } from "./error-text.ts";
import { stateFolderOf } from "./plane.ts";
import { sampleText, TriggerCommandBase } from "./trigger-input.ts";
import { takeLine } from "./trigger-prompt.ts";
import { samplesIn } from "./trigger-samples.ts";
import { TriggerSession } from "./trigger-session.ts";

export class TriggerReplCommand extends TriggerCommandBase {
  static override paths = [["trigger", "repl"]];
  static override usage = Command.Usage({
    description: "try expressions and triggers line by line, on samples that you give",
    details:
      "An expression gives its value; a trigger stays and tells what it does at every poll. :help lists the commands: :sample, :poll and :time make up what the source gives, :roots and :functions list what may be named. Without a terminal the lines come from standard input, and the exit code is 1 when one of them was wrong.",
    examples: [
      ["Over the names of an HTTP poll", "$0 trigger repl --source httpPoll"],
      ["From a script", "echo 'size(\"abc\") > 2' | $0 trigger repl --source httpPoll"],
    ],
  });

  sample = Option.String("--sample", {
    description: "a file with samples, or samples as JSON: the polls so far",
  });

  async execute(): Promise<number> {
    this.checkOutput();
    const options = await this.triggerOptions();
    const language = await triggerLanguage.get();
    const { stdin, stdout, stderr, signal } = this.context;
    const samples =
      this.sample === undefined ? [] : samplesIn(await sampleText(this.sample, this.context));
    const nowMs = systemClock.now();
    const session = new TriggerSession({ language, options, stdout, stderr, nowMs });
    session.load(samples);
    const isTerminal = "isTTY" in stdin && stdin.isTTY === true;
    const stateDir = this.context.env.LEGION_STATE_DIR;
    const historyFile = join(stateFolderOf(this.context, { stateDir }), "trigger-history");
    const input = await openChatInput({
      ...{ stdin, stdout, historyFile },
      onInterrupt: () => {
        if (!input.clear()) void input.close();
      },
    });
    signal.addEventListener("abort", () => void input.close(), { once: true });
    if (isTerminal)
      stderr.write(
        `${style("dim", `triggers over ${options.source}; :help, ^D leaves`, stderr)}\n`,
      );
    try {
      for (;;) {
        const line = await input.next(false);
        if (line === undefined || !(await takeLine(session, line, language, stderr))) break;
      }
    } finally {
      await input.close();
    }
    return signal.aborted ? 130 : isTerminal || !session.hadError ? 0 : 1;
  }
}
