import { Command, Option } from "clipanion";
import type { CommandContext } from "./context.ts";
import { type OutputFormat, outputFormat, programText } from "./output.ts";

/** What all commands share: the output flag and the way results are printed. */
export abstract class LegionCommand extends Command<CommandContext> {
  output = Option.String("-o,--output", "text", {
    description: "text, json, yaml or jsonpath=TEMPLATE",
  });

  /** The formats that this command can print. */
  protected formats(): readonly string[] {
    return ["text", "json", "yaml", "jsonpath"];
  }

  /** Prints the result: `text` for people, `value` for programs. */
  protected async print(value: unknown, text: string | (() => string)): Promise<void> {
    const { stdout } = this.context;
    const forProgram = await programText(this.checkOutput(), value);
    if (forProgram !== undefined) {
      stdout.write(forProgram);
      return;
    }
    const told = typeof text === "string" ? text : text();
    stdout.write(told.endsWith("\n") || told === "" ? told : `${told}\n`);
  }

  /** The format that was asked for; called before any work is done, as it refuses an unknown one. */
  protected checkOutput(): OutputFormat {
    return outputFormat(this.output, this.formats());
  }
}
