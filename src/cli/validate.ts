import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { count } from "../lib/text.ts";
import { LegionCommand } from "./base-command.ts";
import { loadInputs, SET_DESCRIPTION } from "./manifest-flags.ts";

const ERRORS_SHOWN = "50";

const outputs = ["text", "json", "yaml", "github", "sarif"] as const;

export class ValidateCommand extends LegionCommand {
  static override paths = [["validate"]];
  static override usage = Command.Usage({
    description: "check manifests offline: syntax, fields, references",
    details:
      "Reads files and folders (default: agents.d tools.d watchers.d) and reports everything that is wrong, each with its file, line and column and what to write instead. Exit code 1 when there is an error.",
    examples: [
      ["Check the default folders", "$0 validate"],
      [
        "Check one folder, as annotations of a pull request",
        "$0 validate fixtures/quickstart -o github",
      ],
      ["Check what a program writes", "generate | $0 validate -"],
    ],
  });

  override output = Option.String("-o,--output", "text", { description: outputs.join(", ") });
  inputs = Option.Rest({ name: "path" });
  set = Option.Array("--set", [], { description: SET_DESCRIPTION });
  maxErrors = Option.String("--max-errors", ERRORS_SHOWN, {
    description: `how many to show whole; default: ${ERRORS_SHOWN}`,
  });

  protected override formats(): readonly string[] {
    return outputs;
  }

  async execute(): Promise<number> {
    this.checkOutput();
    const max = Number(this.maxErrors);
    if (!Number.isInteger(max) || max < 1) {
      throw new LegionError({
        code: "LEG7001",
        message: `--max-errors does not take "${this.maxErrors}"`,
        hint: "write a whole number above 0",
      });
    }
    const set = await loadInputs(this.inputs, this.context, { sets: this.set });
    const { objects, diagnostics } = set;
    const errors = diagnostics.filter(({ severity }) => severity === "error").length;
    const { stdout, stderr } = this.context;
    const { renderGithub, renderSarif, renderText } = await import("../manifest/render.ts");
    if (this.output === "github") stdout.write(renderGithub(diagnostics));
    else if (this.output === "sarif") stdout.write(renderSarif(diagnostics));
    else {
      if (this.output === "text") stderr.write(renderText(diagnostics, { max, stream: stderr }));
      const valid = errors === 0;
      const found = `${count(objects.length, "object")} in ${count(set.files, "file")}`;
      const text = valid ? `${found}: valid` : "";
      await this.print({ valid, files: set.files, objects: objects.length, diagnostics }, text);
    }
    return errors === 0 ? 0 : 1;
  }
}
