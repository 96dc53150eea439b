import { Command, Option } from "clipanion";
import { LegionError, unknownName } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import { LegionCommand } from "./base-command.ts";
import { completionScripts, shells } from "./completion-scripts.ts";

export class CompletionCommand extends LegionCommand {
  static override paths = [["completion"]];
  static override usage = Command.Usage({
    description: "print the completion script of a shell: bash, zsh or fish",
    details:
      "The script completes commands, flags, kinds and the names of objects, which it asks of the daemon or reads from the state folder.",
    examples: [
      ["For this bash, and in ~/.bashrc for all", "source <($0 completion bash)"],
      ["For zsh, after compinit", "source <($0 completion zsh)"],
      ["For fish", "$0 completion fish | source"],
    ],
  });

  shell = Option.String({ required: false, name: "shell" });

  async execute(): Promise<number> {
    this.checkOutput();
    if (this.shell === undefined) {
      throw new LegionError({
        code: "LEG7019",
        message: "legion completion needs to know the shell",
        hint: `write one of: ${shells.join(", ")}`,
        valid: shells,
      });
    }
    const wanted = this.shell;
    const shell = shells.find((known) => known === wanted);
    if (shell === undefined) {
      throw unknownName("LEG7019", "shell", wanted, shells, suggest(wanted, shells));
    }
    const script = completionScripts[shell];
    await this.print({ shell, script }, script);
    return 0;
  }
}
