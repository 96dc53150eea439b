import { Command, Option } from "clipanion";
import { titleOf } from "../manifest/plan-text.ts";
import type { LifecycleState } from "../state/lifecycles.ts";
import { agentTarget, withAgent } from "./agent-target.ts";
import { ObjectCommand } from "./plane-command.ts";
import { restingTarget, withSuspend } from "./suspend.ts";

/** A command that moves one agent to another state. */
export abstract class LifecycleCommand extends ObjectCommand {
  reference = Option.String({ required: false, name: "agent/NAME" });
  reason = Option.String("--reason", { description: "why, for the record" });

  protected abstract readonly verb: string;
  protected abstract readonly to: LifecycleState;
  protected abstract readonly done: string;

  async execute(): Promise<number> {
    this.checkOutput();
    const key = agentTarget(this.reference, this.scope(), this.verb);
    await using open = await this.openDaemon();
    const why = { reason: this.reason ?? "", actor: `legion ${this.verb}` };
    const object = await withAgent(open.plane, key, () => open.daemon.move(key, this.to, why));
    await this.print(object, `${titleOf(key)} ${this.done}`);
    return 0;
  }
}

export class PauseCommand extends LifecycleCommand {
  static override paths = [["pause"]];
  static override usage = Command.Usage({
    description: "let an agent take messages and answer none",
    details:
      "A turn that runs ends first. Messages wait, and are delivered when the agent is resumed; no delivery is used up. It stays paused when the daemon is started anew.",
    examples: [
      ["Pause an agent", "$0 pause agent/reviewer"],
      ["With the reason for the record", "$0 pause agent/reviewer --reason 'release freeze'"],
    ],
  });
  protected readonly verb = "pause";
  protected readonly to = "paused";
  protected readonly done = "paused";
}

export class ResumeCommand extends LifecycleCommand {
  static override paths = [["resume"]];
  static override usage = Command.Usage({
    description: "let what was paused, stopped or suspended go on",
    details:
      "An agent gets the messages that wait at once, oldest first. A watcher, a cron or a source is suspended no more; a cron that pauses after a failure goes on too.",
    examples: [
      ["Let an agent go on", "$0 resume agent/reviewer"],
      ["Let a cron go on", "$0 resume cron/nightly"],
      ["One of another namespace", "$0 resume agent/reviewer -n team-a"],
    ],
  });
  protected readonly verb = "resume";
  protected readonly to = "running";
  protected readonly done = "resumed";

  override async execute(): Promise<number> {
    const key = restingTarget(this.reference, this.scope());
    if (key === undefined) return super.execute();
    this.checkOutput();
    await using open = await this.openPlane("edit");
    const object = await withSuspend(open, key, false);
    await this.print(object, `${titleOf(key)} ${this.done}`);
    return 0;
  }
}
