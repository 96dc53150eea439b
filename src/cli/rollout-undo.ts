import { Command, Option } from "clipanion";
import { forTerminal } from "../lib/text.ts";
import { titleOf } from "../manifest/plan-text.ts";
import { isDeclared, originText } from "./columns.ts";
import { ObjectCommand } from "./plane-command.ts";
import { notFound, oneTarget } from "./references.ts";
import { generationFlag } from "./rollout-generation.ts";

export class RolloutUndoCommand extends ObjectCommand {
  static override paths = [["rollout", "undo"]];
  static override usage = Command.Usage({
    description: "go back to an earlier generation of an object",
    details:
      "The earlier spec becomes a new generation. Where a daemon reads the file that declares the object, the file is not changed, and the rollback stands until it declares something else.",
    examples: [
      ["Back to the generation before", "$0 rollout undo agent/reviewer"],
      ["Back to a certain one", "$0 rollout undo agent/reviewer --to-revision 2"],
    ],
  });

  words = Option.Rest({ name: "KIND/NAME" });
  toRevision = Option.String("--to-revision", {
    description: "the generation to go back to; default: the one before",
  });

  async execute(): Promise<number> {
    this.checkOutput();
    const generation = generationFlag("--to-revision", this.toRevision);
    const key = oneTarget(this.words, this.scope());
    await using open = await this.openPlane("edit");
    const { plane } = open;
    const before = await plane.read(key);
    if (before === undefined) throw await notFound(plane, key);
    const after = await plane.rollback(key, generation);
    const { generation: now } = after.metadata;
    const isSame = now === before.metadata.generation;
    const to = generation === undefined ? "the generation before" : `generation ${generation}`;
    await this.print(
      after,
      isSame
        ? `${titleOf(key)} is as ${to} already`
        : `${titleOf(key)} is back at ${to}, as generation ${now}`,
    );
    if (!isSame && isDeclared(after) && !this.quiet)
      this.context.stderr.write(
        `${forTerminal(originText(after, this.context))} declares it: the rollback stands until it says something else\n`,
      );
    return 0;
  }
}
