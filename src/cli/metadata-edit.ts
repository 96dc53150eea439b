import { Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import type { ApiObject, MetadataEdit } from "../reconcile/contract.ts";
import { renderError } from "./error-text.ts";
import { listValue, nameLine } from "./output.ts";
import { SelectingCommand } from "./plane-command.ts";
import { keyOfObject, selectObjects, targetsOf } from "./references.ts";

/** What the words after the objects change: a value, or null to remove. */
export type Changes = Readonly<Record<string, string | null>>;

/** Tells the objects from the changes `key=value` and `key-`, which come after them. Throws LEG7016. */
export function splitWords(words: readonly string[]): {
  readonly objects: readonly string[];
  readonly changes: Changes;
} {
  const first = words.findIndex(isChange);
  const objects = first === -1 ? words : words.slice(0, first);
  const written = first === -1 ? [] : words.slice(first);
  if (written.length === 0) throw wrongChange("no change was given");
  const changes = new Map<string, string | null>();
  for (const word of written) {
    if (!isChange(word)) throw wrongChange(`"${word}" is not a change`);
    const at = word.indexOf("=");
    const key = at === -1 ? word.slice(0, -1) : word.slice(0, at);
    if (key === "") throw wrongChange(`"${word}" has no key`);
    if (changes.has(key)) throw wrongChange(`"${key}" is changed twice`);
    changes.set(key, at === -1 ? null : word.slice(at + 1));
  }
  return { objects, changes: Object.fromEntries(changes) };
}

function isChange(word: string): boolean {
  return word.includes("=") || word.endsWith("-");
}

function wrongChange(message: string): LegionError {
  return new LegionError({
    code: "LEG7016",
    message,
    hint: "write KEY=VALUE, or KEY- to remove one, after the objects",
    example: "legion label agent/reviewer team=docs legacy-",
  });
}

/** What label and annotate share. */
export abstract class MetadataCommand extends SelectingCommand {
  words = Option.Rest({ name: "object and KEY=VALUE" });
  overwrite = Option.Boolean("--overwrite", false, {
    description: "replace values that are there already",
  });

  protected abstract readonly done: { readonly set: string; readonly removed: string };

  protected abstract editOf(changes: Changes): Pick<MetadataEdit, "labels" | "annotations">;

  async execute(): Promise<number> {
    this.checkOutput();
    const { objects, changes } = splitWords(this.words);
    const targets = targetsOf(objects, this.scope());
    if (targets.type === "kinds" && this.selector === undefined) throw needsNames();
    const { stdout, stderr } = this.context;
    await using opened = await this.openPlane("edit");
    const { items, missing } = await selectObjects(opened.plane, targets, this.scope());
    const edit: MetadataEdit = {
      ...this.editOf(changes),
      overwrite: this.overwrite,
      manager: "legion-cli",
    };
    const edited: ApiObject[] = [];
    for (const before of items) {
      const after = await opened.plane.edit(keyOfObject(before), edit);
      edited.push(after);
      if (this.output === "text") {
        stdout.write(`${nameLine(after)} ${this.outcome(before, after, changes)}\n`);
      }
    }
    if (this.output !== "text") {
      const isSingle = targets.type === "keys" && targets.keys.length === 1;
      await this.print(isSingle ? edited[0] : listValue(edited), "");
    }
    for (const error of missing) stderr.write(renderError(error, stderr));
    if (items.length === 0 && missing.length === 0 && !this.quiet) {
      stderr.write("no objects have these labels\n");
    }
    return missing.length === 0 ? 0 : 1;
  }

  private outcome(before: ApiObject, after: ApiObject, changes: Changes): string {
    if (before.metadata.resourceVersion === after.metadata.resourceVersion) {
      return `not ${this.done.set}`;
    }
    const isRemoval = Object.values(changes).every((value) => value === null);
    return isRemoval ? this.done.removed : this.done.set;
  }
}

function needsNames(): LegionError {
  return new LegionError({
    code: "LEG7017",
    message: "a change of all objects of a kind is not made without labels that select them",
    hint: "name the objects, KIND/NAME, or give -l SELECTOR",
  });
}
