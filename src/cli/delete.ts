import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { formatDuration } from "../lib/quantities.ts";
import { count, forTerminal } from "../lib/text.ts";
import { titleOf } from "../manifest/plan-text.ts";
import type { ApiObject, ObjectPlane } from "../reconcile/contract.ts";
import { keyText, type ResourceKey } from "../state/resource.ts";
import { followObjects } from "./apply-wait.ts";
import { isDeclared, loopOf, originText } from "./columns.ts";
import { isTimeout, limited, positiveDuration } from "./deadline.ts";
import { createLiveLine } from "./live-line.ts";
import { loadInputs } from "./manifest-flags.ts";
import { listValue, nameLine } from "./output.ts";
import { SelectingCommand } from "./plane-command.ts";
import { readinessOf } from "./readiness.ts";
import { keyOfObject, objectTitle, selectObjects, targetsOf } from "./references.ts";
import { switchFlag } from "./switch-flag.ts";

export class DeleteCommand extends SelectingCommand {
  static override paths = [["delete"]];
  static override usage = Command.Usage({
    description: "delete objects, and wait until they have ended",
    details:
      "Names are checked first: when one does not exist, nothing is deleted. An agent takes no more messages; its turn and the messages that wait are answered within its terminationGracePeriod, then the turn is cancelled and what waits still is dropped. Exit code 1: no such object; 124: --timeout was over, while the deletion goes on.",
    examples: [
      ["One agent", "$0 delete agent/reviewer"],
      ["What these manifests declare", "$0 delete -f agents.d --ignore-not-found"],
      [
        "All agents of a team, without waiting for their turns",
        "$0 delete agents -l team=a --wait=false",
      ],
    ],
  });

  words = Option.Rest({ name: "KIND/NAME" });
  file = Option.Array("-f,--file", [], {
    description: "delete what these manifests declare; file, folder or - for stdin",
  });
  all = Option.Boolean("--all", false, { description: "all objects of the kind" });
  wait = Option.String("--wait", {
    tolerateBoolean: true,
    description: "false: do not wait until a turn that runs has ended; default: true",
  });
  timeout = Option.String("--timeout", { description: "the most time to wait; default: no limit" });
  dryRun = Option.Boolean("--dry-run", false, {
    description: "say what would be deleted, and delete nothing",
  });
  ignoreNotFound = Option.Boolean("--ignore-not-found", false, {
    description: "it is no error when an object does not exist",
  });

  protected override formats(): readonly string[] {
    return [...super.formats(), "name"];
  }

  async execute(): Promise<number> {
    this.checkOutput();
    const waits = switchFlag("--wait", this.wait, true);
    const timeoutMs = positiveDuration("--timeout", this.timeout);
    this.checkWords();
    const declared = this.file.length > 0 ? await this.declaredKeys() : undefined;
    if (this.file.length > 0 && declared === undefined) return 1;
    await using open = await this.openPlane(this.dryRun ? "read" : "edit");
    const { plane, daemon } = open;
    const targets =
      declared === undefined
        ? targetsOf(this.words, this.scope())
        : ({ type: "keys", keys: declared } as const);
    const { items, missing } = await selectObjects(plane, targets, this.scope());
    const [first] = missing;
    if (first !== undefined && !this.ignoreNotFound) throw first;
    const keys = items.map(keyOfObject);
    const deleted = keys.length === 0 ? [] : await plane.delete(keys, { dryRun: this.dryRun });
    await this.report(deleted);
    if (!this.quiet) this.context.stderr.write(items.map(waitingMessages).join(""));
    if (this.dryRun || !waits || daemon === undefined) return 0;
    return this.waitUntilGone(plane, deleted, timeoutMs);
  }

  /** Names, files, or a kind with what narrows it; nothing at all, or a whole kind by accident, is refused. */
  private checkWords(): void {
    const { words, file, selector, all } = this;
    if (file.length > 0 && words.length > 0)
      throw new LegionError({
        code: "LEG7001",
        message: "names and -f do not go together",
        hint: "run the command once for each",
      });
    if (file.length > 0) return;
    const isWholeKind = words.length === 1 && words[0]?.includes("/") === false;
    if (words.length > 0 && (!isWholeKind || selector !== undefined || all)) return;
    // A name without its kind is told as such.
    if (isWholeKind) targetsOf(words, this.scope());
    const [kind = "agents"] = words;
    throw new LegionError({
      code: "LEG7034",
      message:
        words.length === 0
          ? "nothing says what to delete"
          : `"${kind}" alone would delete every object of that kind`,
      hint: `name the objects (${kind.replace(/s$/, "")}/NAME), select them (-l team=a), or write --all`,
    });
  }

  /** What manifests declare, valid or not: who it is about is all that counts here. Undefined, and told, when that cannot be read. */
  private async declaredKeys(): Promise<readonly ResourceKey[] | undefined> {
    const set = await loadInputs(this.file, this.context);
    const keys = [...set.objects, ...set.invalid.map(({ declares }) => declares)];
    if (keys.length > 0 && set.unread.length === 0)
      return keys.map(({ kind, namespace, name }) => ({ kind, namespace, name }));
    const { renderText } = await import("../manifest/render.ts");
    this.context.stderr.write(renderText(set.diagnostics, { stream: this.context.stderr }));
    return undefined;
  }

  private async report(deleted: readonly ApiObject[]): Promise<void> {
    const { stdout, stderr } = this.context;
    if (this.output === "name") {
      stdout.write(deleted.map((object) => `${nameLine(object)}\n`).join(""));
      return;
    }
    const what = this.dryRun ? "would be deleted" : "deleted";
    const lines = deleted.map((object) => `${objectTitle(keyOfObject(object))} ${what}\n`);
    await this.print(listValue(deleted), lines.join(""));
    if (deleted.length === 0 && !this.quiet) stderr.write("nothing to delete\n");
    if (!this.dryRun && !this.quiet) stderr.write(stillDeclared(deleted, this.context.cwd));
  }

  /** Until what was deleted is gone, or another object has its name. */
  private async waitUntilGone(
    plane: ObjectPlane,
    deleted: readonly ApiObject[],
    timeoutMs: number | undefined,
  ): Promise<number> {
    const keys = deleted.map(keyOfObject);
    if (keys.length === 0) return 0;
    const uids = new Map(
      deleted.map((object) => [keyText(keyOfObject(object)), object.metadata.uid]),
    );
    const left = new Map<string, string>(keys.map((key) => [keyText(key), titleOf(key)]));
    const live = createLiveLine(this.context.stderr);
    const signal = limited(this.context.signal, timeoutMs);
    try {
      const isGone = await followObjects(plane, keys, signal, (key, object) => {
        if (object === undefined || object.metadata.uid !== uids.get(key)) left.delete(key);
        else live.say(`${left.get(key)}: ${readinessOf(object).message}`);
        return left.size === 0;
      });
      if (isGone) return 0;
    } finally {
      live.end();
    }
    if (!isTimeout(signal)) return 130;
    throw new LegionError({
      code: "LEG7030",
      message: `${count(left.size, "object")} not gone after ${formatDuration(timeoutMs ?? 0)}: ${[...left.values()].join(", ")}`,
      hint: "the deletion goes on; legion get shows what is left",
    });
  }
}

/** What becomes of the messages that wait for an agent. */
function waitingMessages(object: ApiObject): string {
  const queued = Number(loopOf(object)?.queued ?? 0);
  if (queued === 0) return "";
  const { terminationGracePeriod: grace } = object.spec;
  const time = typeof grace === "string" ? ` (${grace})` : "";
  return `${count(queued, "message")} of ${titleOf(keyOfObject(object))} ${queued === 1 ? "waits" : "wait"}: what is not answered within its terminationGracePeriod${time} will not be answered\n`;
}

/** What a folder or a repository declares comes back: whoever deletes it should know. */
function stillDeclared(deleted: readonly ApiObject[], cwd: string): string {
  const declared = deleted.filter(isDeclared);
  const [first] = declared;
  if (first === undefined) return "";
  const more = declared.length > 1 ? ` (and ${declared.length - 1} more are declared)` : "";
  const file = forTerminal(originText(first, { cwd }));
  return `${file} declares it${more}: remove it there too, or it comes back when that is read again\n`;
}
