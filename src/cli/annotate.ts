import { Command } from "clipanion";
import { type Changes, MetadataCommand } from "./metadata-edit.ts";

export class AnnotateCommand extends MetadataCommand {
  static override paths = [["annotate"]];
  static override usage = Command.Usage({
    description: "set or remove annotations of objects",
    details:
      "An annotation that is there with another value is replaced with --overwrite only. What a manifest declares comes back with its next change.",
    examples: [
      ["Set an annotation", "$0 annotate agent/reviewer contact='docs team'"],
      ["Remove one", "$0 annotate agent/reviewer contact-"],
    ],
  });

  protected readonly done = { set: "annotated", removed: "unannotated" };

  protected editOf(annotations: Changes) {
    return { annotations };
  }
}
