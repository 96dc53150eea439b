import { Command } from "clipanion";
import type { Declaration, PlannedChange } from "../manifest/plan-contract.ts";
import type { ApiObject } from "../reconcile/contract.ts";
import { keyText } from "../state/resource.ts";
import { DeclaringCommand } from "./apply-command.ts";
import { style } from "./error-text.ts";
import { reported } from "./exit-code.ts";
import { keyTextOf } from "./readiness.ts";

const DIFF_EXIT_SAME = 0;
const DIFF_EXIT_DIFFERS = 1;
const DIFF_EXIT_ERROR = 2;

export class DiffCommand extends DeclaringCommand {
  static override paths = [["diff"]];
  static override usage = Command.Usage({
    description: "show how manifests differ from what there is",
    details:
      "Prints a unified diff of each object that an apply would create, change or, with --prune, delete. Exit code 0: nothing differs, 1: something does, 2: an error.",
    examples: [
      ["What would an apply of the working folder change", "$0 diff"],
      ["The same as data, with what it would delete", "$0 diff --prune -o json"],
    ],
  });

  execute(): Promise<number> {
    return reported(this.context, DIFF_EXIT_ERROR, () => this.diff());
  }

  private async diff(): Promise<number> {
    await this.checkFlags();
    await using declared = await this.declared("read");
    if (declared.isInvalid) return DIFF_EXIT_ERROR;
    const { plan } = (await this.planned(declared)).report;
    const changes = plan.changes.filter(({ action }) => action !== "keep");
    const { items } = changes.length === 0 ? { items: [] } : await declared.plane.list({});
    const live = new Map(items.map((object) => [keyTextOf(object), object]));
    const { objectDiff } = await import("../manifest/plan-diff.ts");
    const differences = changes.map((change) => {
      const { kind, namespace, name, action, fields = [] } = change;
      const diff = objectDiff(declarationOf(live.get(keyText(change))), declaredOf(change));
      return { kind, namespace, name, action, fields, diff };
    });
    const { stdout } = this.context;
    const text = differences.map(({ diff }) => coloured(diff, stdout)).join("");
    await this.print({ differs: changes.length > 0, objects: differences }, text);
    return changes.length > 0 ? DIFF_EXIT_DIFFERS : DIFF_EXIT_SAME;
  }
}

function declarationOf(object: ApiObject | undefined): Declaration | undefined {
  if (object === undefined) return undefined;
  const { kind, metadata, spec } = object;
  const { namespace, name, labels = {}, annotations = {} } = metadata;
  return { kind, namespace, name, labels, annotations, spec };
}

function declaredOf(change: PlannedChange): Declaration | undefined {
  const { kind, namespace, name, object } = change;
  return object === undefined ? undefined : { kind, namespace, name, ...object };
}

const signStyles: Readonly<Record<string, Parameters<typeof style>[0]>> = {
  "+": "green",
  "-": "red",
  "@": "cyan",
};

/** The diff with its lines in colour, where the stream is a terminal that wants colour. */
function coloured(diff: string, stream: NodeJS.WritableStream): string {
  return diff
    .split("\n")
    .map((line) => {
      const isName = line.startsWith("+++ ") || line.startsWith("--- ");
      const styles = isName ? "bold" : signStyles[line[0] ?? ""];
      return styles === undefined ? line : style(styles, line, stream);
    })
    .join("\n");
}
