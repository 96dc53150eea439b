import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { titleOf } from "../manifest/plan-text.ts";
import type { ApiObject } from "../reconcile/contract.ts";
import type { ResourceKey } from "../state/resource.ts";
import { withAgent } from "./agent-target.ts";
import { cronOf } from "./columns-watching.ts";
import type { OpenPlane } from "./plane.ts";
import { ObjectCommand } from "./plane-command.ts";
import { oneTarget, type Scope } from "./references.ts";

/** The kinds with a field spec.suspend. */
const suspendable: ReadonlySet<string> = new Set(["Watcher", "Cron", "Source"]);

export class SuspendCommand extends ObjectCommand {
  static override paths = [["suspend"]];
  static override usage = Command.Usage({
    description: "let a watcher, a cron or a source rest",
    details:
      "Sets spec.suspend: a watcher looks no more and keeps what it counted, a cron skips its moments, a source applies nothing. A run that goes on ends as it would. legion resume lets it go on. A manifest that declares spec.suspend takes it back when it is applied the next time. An agent is paused or stopped instead.",
    examples: [
      ["No backups during the release", "$0 suspend cron/nightly-backup"],
      ["And again", "$0 resume cron/nightly-backup"],
    ],
  });

  reference = Option.String({ required: false, name: "KIND/NAME" });

  async execute(): Promise<number> {
    this.checkOutput();
    const key = suspendTarget(this.reference, this.scope());
    await using open = await this.openPlane("edit");
    const object = await withSuspend(open, key, true);
    await this.print(object, `${titleOf(key)} suspended`);
    return 0;
  }
}

/** The watcher, cron or source that a word names. Throws LEG7017 without one, LEG7002 for another kind. */
function suspendTarget(word: string | undefined, scope: Scope): ResourceKey {
  if (word === undefined || word === "")
    throw new LegionError({
      code: "LEG7017",
      message: "legion suspend needs the name of a watcher, a cron or a source",
      hint: "for example: legion suspend cron/nightly",
    });
  const key = oneTarget([word], scope);
  if (suspendable.has(key.kind)) return key;
  const isAgent = key.kind === "Agent";
  throw new LegionError({
    code: "LEG7002",
    message: `legion suspend takes a watcher, a cron or a source, not ${isAgent ? "an" : "a"} ${key.kind.toLowerCase()}`,
    hint: isAgent
      ? `an agent is paused: legion pause agent/${key.name}`
      : "write watcher/NAME, cron/NAME or source/NAME",
    valid: ["watcher/NAME", "cron/NAME", "source/NAME"],
  });
}

/** The key of an object that rests by spec.suspend, where a word names one of such a kind. */
export function restingTarget(word: string | undefined, scope: Scope): ResourceKey | undefined {
  if (word === undefined || !word.includes("/")) return undefined;
  const key = oneTarget([word], scope);
  return suspendable.has(key.kind) ? key : undefined;
}

/** Sets spec.suspend; a cron that pauses after a failure goes on too when it is to rest no more. */
export async function withSuspend(
  { plane, daemon }: OpenPlane,
  key: ResourceKey,
  suspend: boolean,
): Promise<ApiObject> {
  const manager = "legion-cli";
  const object = await withAgent(plane, key, () => plane.edit(key, { suspend, manager }));
  const isPaused = !suspend && cronOf(object)?.state === "paused";
  return isPaused && daemon !== undefined ? daemon.resumeCron(key) : object;
}
