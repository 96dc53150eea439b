import { Command, Option } from "clipanion";
import type { Trigger } from "../trigger/ast.ts";
import { triggerLanguage } from "../trigger/language.ts";
import { type Explanation, explanationText } from "./explain-trigger-text.ts";
import { ObjectCommand } from "./plane-command.ts";
import { referenceText } from "./references.ts";
import { problemData, problemsText } from "./trigger-text.ts";
import {
  type FoundWatcher,
  watcherInFiles,
  watcherInStore,
  watcherTarget,
} from "./trigger-watcher.ts";

export class ExplainTriggerCommand extends ObjectCommand {
  static override paths = [["explain", "trigger"]];
  static override usage = Command.Usage({
    description: "show the trigger of a watcher as a tree, with its last values",
    details:
      "Every part of the condition with its type, and with its value at the last poll when a daemon runs the watcher; then the clauses and how the watcher stands. With -f it explains the watcher of manifests, without values.",
    examples: [
      ["A watcher that runs", "$0 explain trigger checkout"],
      ["Of manifests that were not applied", "$0 explain trigger checkout -f watchers.d"],
    ],
  });

  reference = Option.String({ required: false, name: "watcher/NAME" });
  files = Option.Array("-f,--file", [], {
    description: "manifests to look in, instead of what was applied; may be repeated",
  });

  async execute(): Promise<number> {
    this.checkOutput();
    const key = watcherTarget(this.reference, this.scope(), "explain trigger");
    const { stdout, stderr } = this.context;
    const found = await this.found(key);
    if (found === undefined) return 1;
    const { compileTrigger, formatTrigger, parseTrigger } = await triggerLanguage.get();
    const { trigger, type, interval, recovery } = found.spec;
    const { machine, errors, recoveryErrors } = compileTrigger(trigger, found.options);
    const { tree: parsed } = parseTrigger(trigger);
    if (machine === undefined || parsed === undefined) {
      const all = [...errors, ...recoveryErrors];
      if (this.output === "text") stderr.write(problemsText(all, stderr));
      else await this.print({ watcher: referenceText(key), errors: all.map(problemData) }, "");
      return 1;
    }
    const explanation: Explanation = {
      ...{ watcher: referenceText(key), source: type, interval },
      trigger: formatTrigger(parsed),
      clauses: clausesOf(parsed, formatTrigger),
      ...(recovery !== undefined && { recovery }),
      tree: found.tree ?? machine.explain(),
      ...(found.state !== undefined && { state: found.state }),
    };
    await this.print(explanation, () => explanationText(explanation, stdout));
    return 0;
  }

  private async found(key: FoundWatcher["key"]): Promise<FoundWatcher | undefined> {
    if (this.files.length > 0) return watcherInFiles(key, this.files, this.context);
    await using opened = await this.openPlane("read");
    return await watcherInStore(key, opened);
  }
}

/** What stands behind the condition, as the canonical form writes it. */
function clausesOf(
  { when, except, ...clauses }: Trigger,
  format: (trigger: Trigger) => string,
): readonly string[] {
  const { expression } = when;
  const condition = format({ when: { expression }, except: [] });
  const behind = (trigger: Trigger) => format(trigger).slice(condition.length + 1);
  const lasting = behind({ when, except: [] });
  const bare = { when: { expression }, except: [] };
  return [
    lasting,
    ...Object.entries(clauses).map(([name, clause]) => behind({ ...bare, [name]: clause })),
    ...except.map((window) => behind({ ...bare, except: [window] })),
  ].filter((text) => text !== "");
}
