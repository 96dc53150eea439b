import { setTimeout as sleep } from "node:timers/promises";
import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { formatDuration } from "../lib/quantities.ts";
import { count } from "../lib/text.ts";
import type { DaemonPlane } from "../reconcile/contract.ts";
import { isTimeout, limited, positiveDuration } from "./deadline.ts";
import { createLiveLine } from "./live-line.ts";
import { openDaemon } from "./plane.ts";
import { PlaneCommand } from "./plane-command.ts";

const TIMEOUT_DEFAULT = "60s";
const LOOK_MS = 50;
/** What a daemon answers, or fails with, while it ends. */
const endingCodes: ReadonlySet<string> = new Set(["LEG8003", "LEG8004"]);

export class DownCommand extends PlaneCommand {
  static override paths = [["down"]];
  static override usage = Command.Usage({
    description: "end the daemon, once its turns have drained",
    details:
      "Waits until its socket and its process are gone. What it ran is kept and goes on at the next start. Exit code 0 also when no daemon runs; 124: it has not ended before --timeout.",
    examples: [
      ["End the daemon of the working folder", "$0 down"],
      ["One with another state folder", "$0 down --state-dir /var/lib/legion --timeout 2m"],
    ],
  });

  timeout = Option.String("--timeout", {
    description: `the most time to wait; default: ${TIMEOUT_DEFAULT}`,
  });

  async execute(): Promise<number> {
    this.checkOutput();
    const timeoutMs = positiveDuration("--timeout", this.timeout ?? TIMEOUT_DEFAULT) ?? 0;
    const daemon = await this.look();
    if (daemon === "gone") {
      await this.print({ wasRunning: false }, "");
      if (!this.quiet) this.context.stderr.write("no daemon runs\n");
      return 0;
    }
    const pid = daemon === "ending" ? undefined : (await daemon.status()).pid;
    if (daemon !== "ending") await daemon.shutdown();
    const signal = limited(this.context.signal, timeoutMs);
    const live = createLiveLine(this.context.stderr);
    try {
      while (!(await this.hasEnded(pid, live.say))) {
        await sleep(LOOK_MS, undefined, { signal });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      if (!isTimeout(signal)) return 130;
      throw notEnded(pid, timeoutMs);
    } finally {
      live.end();
    }
    await this.print({ wasRunning: true, pid }, "");
    if (!this.quiet) this.context.stderr.write(`${daemonTitle(pid)} has ended\n`);
    return 0;
  }

  /** The daemon; one that ends already answers nothing else any more. */
  private async look(): Promise<DaemonPlane | "ending" | "gone"> {
    try {
      return (await openDaemon(this.context, this.planeOptions())).daemon;
    } catch (error) {
      if (!(error instanceof LegionError)) throw error;
      if (error.code === "LEG8001") return "gone";
      if (endingCodes.has(error.code)) return "ending";
      throw error;
    }
  }

  /** Whether nobody answers any more, and the process is gone where it can be seen from here. */
  private async hasEnded(pid: number | undefined, say: (text: string) => void): Promise<boolean> {
    const daemon = await this.look();
    if (daemon === "gone") return this.server !== undefined || pid === undefined || !isAlive(pid);
    const status = daemon === "ending" ? undefined : await daemon.status().catch(() => undefined);
    if (status !== undefined && pid !== undefined && status.pid !== pid) return true;
    const turns = status?.agents.turns ?? 0;
    say(turns === 0 ? "the daemon ends" : `draining: ${count(turns, "turn")} running`);
    return false;
  }
}

function daemonTitle(pid: number | undefined): string {
  return pid === undefined ? "the daemon" : `the daemon (pid ${pid})`;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, and of somebody else.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function notEnded(pid: number | undefined, timeoutMs: number): LegionError {
  return new LegionError({
    code: "LEG7031",
    message: `${daemonTitle(pid)} has not ended after ${formatDuration(timeoutMs)}`,
    hint: "it goes on draining; legion status shows what still runs, and --timeout waits longer",
  });
}
