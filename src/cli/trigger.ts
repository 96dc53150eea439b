import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import { TriggerReplCommand } from "./trigger-repl.ts";

const words = ["check", "eval", "repl", "functions"] as const;

export class TriggerCommand extends TriggerReplCommand {
  static override paths = [["trigger"]];
  static override usage = Command.Usage({
    description: "try triggers: check, eval, repl, functions",
    details:
      "Alone, at a terminal, it is the same as trigger repl. legion trigger WORD --help tells about one of check, eval, repl and functions.",
    examples: [
      ["Check a trigger", "$0 trigger check 'status >= 500' --source httpPoll"],
      ["Try expressions line by line", "$0 trigger --source httpPoll"],
    ],
  });

  word = Option.String({ required: false, name: "WORD" });

  override async execute(): Promise<number> {
    const { word } = this;
    const { stdin } = this.context;
    if (word === undefined && "isTTY" in stdin && stdin.isTTY === true) return super.execute();
    const near = word === undefined ? undefined : suggest(word, words);
    throw new LegionError({
      code: "LEG7001",
      message:
        word === undefined
          ? "legion trigger needs a word after it"
          : `there is no command "trigger ${word}"`,
      hint:
        near === undefined
          ? `use one of: ${words.map((one) => `legion trigger ${one}`).join(", ")}`
          : `did you mean "legion trigger ${near}"?`,
      valid: words,
    });
  }
}
