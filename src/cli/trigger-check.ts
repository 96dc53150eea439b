import { Command, Option } from "clipanion";
import { triggerLanguage } from "../trigger/language.ts";
import { TriggerTextCommand } from "./trigger-input.ts";
import { brokenTrigger, problemData, problemsText } from "./trigger-text.ts";
import { treeText } from "./trigger-tree.ts";

export class TriggerCheckCommand extends TriggerTextCommand {
  static override paths = [["trigger", "check"]];
  static override usage = Command.Usage({
    description: "check a trigger against the names of its source",
    details:
      "Takes a condition or a whole trigger, tells every mistake with its place and exit code 1, and otherwise the trigger in its canonical form with the type of every part.",
    examples: [
      ["A condition", "$0 trigger check 'status >= 500 for 3 polls' --source httpPoll"],
      ["From a file, as data", "$0 trigger check -f disk.trigger --source command -o json"],
      ["The canonical form alone", "$0 trigger check 'not ok' --source tcpProbe --format"],
    ],
  });

  format = Option.Boolean("--format", false, { description: "print the canonical form only" });

  async execute(): Promise<number> {
    this.checkOutput();
    const options = await this.triggerOptions();
    const { text, shown } = await this.triggerText();
    const { compileTrigger, formatTrigger, parseTrigger } = await triggerLanguage.get();
    const { machine, errors } = compileTrigger(text, options);
    const { tree: parsed } = parseTrigger(text);
    const { stdout, stderr } = this.context;
    if (machine === undefined || parsed === undefined) {
      if (this.output === "text") stderr.write(problemsText(errors, stderr, shown));
      else await this.print({ ok: false, errors: errors.map(problemData) }, "");
      return 1;
    }
    const canonical = formatTrigger(parsed);
    const tree = machine.explain();
    const text80 = () =>
      this.format
        ? canonical
        : `ok\n${brokenTrigger(canonical).join("\n")}\n\n${treeText(tree, stdout)}`;
    await this.print({ ok: true, errors: [], canonical, tree }, text80);
    return 0;
  }
}
