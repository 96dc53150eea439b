import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { changedFields } from "../manifest/plan-fields.ts";
import type { Revision } from "../reconcile/contract.ts";
import type { ResourceKey } from "../state/resource.ts";
import { yamlText } from "./output.ts";
import { ObjectCommand } from "./plane-command.ts";
import { notFound, oneTarget } from "./references.ts";
import { generationFlag } from "./rollout-generation.ts";
import { renderTable } from "./table.ts";

export class RolloutHistoryCommand extends ObjectCommand {
  static override paths = [["rollout", "history"]];
  static override usage = Command.Usage({
    description: "list the generations of an object that are kept",
    details:
      "The newest comes first; five are kept. Each says when it came, who wrote it, and which fields it changed.",
    examples: [
      ["The generations of an agent", "$0 rollout history agent/reviewer"],
      ["The spec of one of them", "$0 rollout history agent/reviewer --revision 2"],
    ],
  });

  words = Option.Rest({ name: "KIND/NAME" });
  revision = Option.String("--revision", { description: "print the spec of this generation" });

  async execute(): Promise<number> {
    this.checkOutput();
    const wanted = generationFlag("--revision", this.revision);
    const key = oneTarget(this.words, this.scope());
    await using open = await this.openPlane("read");
    const { plane } = open;
    if ((await plane.read(key)) === undefined) throw await notFound(plane, key);
    const revisions = await plane.history(key);
    if (wanted === undefined) await this.print(revisions, this.table(key, revisions));
    else {
      const revision = revisions.find(({ generation }) => generation === wanted);
      if (revision === undefined) throw notKept(wanted, revisions);
      await this.print(revision, await yamlText(revision.spec));
    }
    return 0;
  }

  private table(key: ResourceKey, revisions: readonly Revision[]): string {
    const columns = [
      { title: "generation", align: "right" },
      { title: "at" },
      { title: "by" },
      { title: "changes", isFree: true },
    ] as const;
    const rows = revisions.map((revision, index) => [
      String(revision.generation),
      revision.at.replace(/\.\d+Z$/, "Z"),
      revision.manager,
      changes(key, revisions[index + 1], revision),
    ]);
    return renderTable(columns, rows, { stream: this.context.stdout });
  }
}

/** The fields in which a generation differs from the one before: `spec.model, spec.tools.0`. */
function changes(key: ResourceKey, before: Revision | undefined, after: Revision): string {
  if (before === undefined)
    return after.generation === 1 ? "created" : "(the one before is not kept)";
  const bare = { ...key, labels: {}, annotations: {} };
  const fields = changedFields({ ...bare, spec: before.spec }, { ...bare, spec: after.spec });
  return fields.map(({ pointer }) => pointer.slice(1).replaceAll("/", ".")).join(", ");
}

function notKept(wanted: number, revisions: readonly Revision[]): LegionError {
  const kept = revisions.map(({ generation }) => String(generation));
  return new LegionError({
    code: "LEG6032",
    message: `generation ${wanted} is not kept`,
    hint: `use one of: ${kept.join(", ")}`,
    valid: kept,
  });
}
