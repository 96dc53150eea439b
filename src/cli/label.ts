import { Command } from "clipanion";
import { type Changes, MetadataCommand } from "./metadata-edit.ts";

export class LabelCommand extends MetadataCommand {
  static override paths = [["label"]];
  static override usage = Command.Usage({
    description: "set or remove labels of objects",
    details:
      "A label that is there with another value is replaced with --overwrite only. What a manifest declares comes back with its next change.",
    examples: [
      ["Set a label", "$0 label agent/reviewer team=docs"],
      ["Replace one and remove another", "$0 label agent/reviewer team=web legacy- --overwrite"],
      ["On all agents of a team", "$0 label agents -l team=docs tier=gold"],
    ],
  });

  protected readonly done = { set: "labeled", removed: "unlabeled" };

  protected editOf(labels: Changes) {
    return { labels };
  }
}
