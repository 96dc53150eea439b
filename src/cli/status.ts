import { setTimeout as sleep } from "node:timers/promises";
import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import type { DaemonStatus } from "../reconcile/contract.ts";
import { isTimeout, limited, positiveDuration } from "./deadline.ts";
import { PlaneCommand } from "./plane-command.ts";
import { statusText } from "./status-report.ts";

const LOOK_MS = 50;

export class StatusCommand extends PlaneCommand {
  static override paths = [["status"]];
  static override usage = Command.Usage({
    description: "show how the daemon stands, and everything that is wrong",
    details:
      "Its health, what it reads and when that was applied last, how many objects of each kind are ready, and each problem with its reason. Exit code 4: no daemon runs; 124: it has not started within --wait.",
    examples: [
      ["The daemon of the working folder", "$0 status"],
      ["Start one and go on when it has looked at everything", "$0 up & $0 status --wait 30s"],
      ["Only its health", "$0 status -o jsonpath='{.health}'"],
    ],
  });

  wait = Option.String("--wait", {
    description: "wait until it has started, at most so long, for example 30s",
  });

  async execute(): Promise<number> {
    this.checkOutput();
    const waitMs = positiveDuration("--wait", this.wait);
    const status = waitMs === undefined ? await this.present() : await this.started(waitMs);
    await this.print(status, statusText(status, Date.now(), this.context.stdout));
    return 0;
  }

  private async present(): Promise<DaemonStatus> {
    await using open = await this.openDaemon();
    return open.daemon.status();
  }

  /** Looks again until the daemon has started. Throws LEG8001 with exit code 124 when the time is over. */
  private async started(waitMs: number): Promise<DaemonStatus> {
    const signal = limited(this.context.signal, waitMs);
    for (;;) {
      const status = await this.present().catch(unlessAway);
      if (status !== undefined && status.health !== "starting") return status;
      try {
        await sleep(LOOK_MS, undefined, { signal });
      } catch (error) {
        throw isTimeout(signal) ? notStarted(this.wait ?? "", status) : error;
      }
    }
  }
}

/** No daemon yet is what is waited for; everything else is an error. */
function unlessAway(error: unknown): undefined {
  if (error instanceof LegionError && error.code === "LEG8001") return undefined;
  throw error;
}

function notStarted(wait: string, status: DaemonStatus | undefined): LegionError {
  const how = status === undefined ? "no daemon answers" : "the daemon is still starting";
  return new LegionError({
    code: "LEG7035",
    message: `${how} after ${wait}`,
    hint: "look at what legion up says, or wait longer",
  });
}
