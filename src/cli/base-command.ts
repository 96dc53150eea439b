import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import type { CommandContext } from "./context.ts";

const formats = ["text", "json", "yaml"] as const;
export type Format = (typeof formats)[number];

/** What all commands share: the output flag and the way results are printed. */
export abstract class LegionCommand extends Command<CommandContext> {
  output = Option.String("-o,--output", "text", { description: "text, json or yaml" });

  /** The formats that this command can print. */
  protected formats(): readonly string[] {
    return formats;
  }

  /** Prints the result: `text` for people, `value` for programs. */
  protected async print(value: unknown, text: string): Promise<void> {
    this.checkOutput();
    const { stdout } = this.context;
    if (this.output === "json") stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    else if (this.output === "yaml") stdout.write(await yamlText(value));
    else stdout.write(text.endsWith("\n") || text === "" ? text : `${text}\n`);
  }

  /** Refuses an unknown format; called before any work is done. */
  protected checkOutput(): void {
    const valid = this.formats();
    if (valid.includes(this.output)) return;
    throw new LegionError({
      code: "LEG7001",
      message: `-o does not know the format "${this.output}"`,
      hint: `use one of: ${valid.join(", ")}`,
      valid,
    });
  }
}

async function yamlText(value: unknown): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
