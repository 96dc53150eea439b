import { setTimeout as pause } from "node:timers/promises";
import { Command, Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { formatDuration } from "../lib/quantities.ts";
import { titleOf } from "../manifest/plan-text.ts";
import type { DaemonPlane } from "../reconcile/contract.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { Tick, TickState } from "../state/ticks.ts";
import { withAgent } from "./agent-target.ts";
import { isTimeout, limited, positiveDuration } from "./deadline.ts";
import { kindTarget } from "./kind-target.ts";
import { createLiveLine } from "./live-line.ts";
import { ObjectCommand } from "./plane-command.ts";

/** How often the end of a run is asked for. */
const ASK_MS = 250;
/** Ticks among which the one that was asked for is looked for. */
const TICKS_LOOKED_AT = 200;

const told: Readonly<Record<TickState, string>> = {
  waiting: "waits for the run before it to end",
  started: "runs now",
  ok: "ended well",
  failed: "failed",
  cancelled: "was cancelled",
  skipped: "was not run",
  missed: "was not run",
  dropped: "was not run",
};

export class CronTriggerCommand extends ObjectCommand {
  static override paths = [["cron", "trigger"]];
  static override usage = Command.Usage({
    description: "run a cron now, whatever its schedule says",
    details:
      "Its overlap policy holds: with skip nothing happens while an earlier run goes on. It runs although it is suspended or pauses, and its next moment stays. Exit code 1: it was not run, or with --wait it failed. 124: it did not end within --timeout, and goes on.",
    examples: [
      ["Run it", "$0 cron trigger nightly"],
      ["And wait for its end", "$0 cron trigger nightly --wait --timeout 10m"],
    ],
  });

  reference = Option.String({ required: false, name: "cron/NAME" });
  wait = Option.Boolean("--wait", false, { description: "wait until the run has ended" });
  timeout = Option.String("--timeout", { description: "the most time to wait; default: no limit" });

  async execute(): Promise<number> {
    this.checkOutput();
    const timeoutMs = positiveDuration("--timeout", this.timeout);
    const key = kindTarget("Cron", this.reference, this.scope(), "cron trigger");
    await using open = await this.openDaemon();
    const begun = await withAgent(open.plane, key, () => open.daemon.triggerCron(key));
    const signal = limited(this.context.signal, timeoutMs);
    const tick = this.wait ? await this.ended(open.daemon, key, begun, signal) : begun;
    const why = tick.reason === undefined ? "" : `: ${tick.reason}`;
    await this.print(tick, `${titleOf(key)} ${told[tick.state]}${why}`);
    if (!this.wait || !isOpen(tick)) return isOpen(tick) || tick.state === "ok" ? 0 : 1;
    if (isTimeout(signal)) throw late(key, timeoutMs ?? 0);
    return 130;
  }

  /** The tick when its run has ended, or as it is when the waiting is ended. */
  private async ended(
    daemon: DaemonPlane,
    key: ResourceKey,
    begun: Tick,
    signal: AbortSignal,
  ): Promise<Tick> {
    const line = createLiveLine(this.context.stderr);
    line.say(`waiting for the end of ${titleOf(key)}`);
    let tick = begun;
    try {
      while (isOpen(tick) && !signal.aborted) {
        const ticks = await daemon.cronTicks(key, TICKS_LOOKED_AT);
        tick = ticks.find(({ atMs }) => atMs === begun.atMs) ?? tick;
        if (isOpen(tick)) await pause(ASK_MS, undefined, { signal }).catch(() => {});
      }
      return tick;
    } finally {
      line.end();
    }
  }
}

function isOpen({ state }: Tick): boolean {
  return state === "waiting" || state === "started";
}

function late({ name }: ResourceKey, timeoutMs: number): LegionError {
  return new LegionError({
    code: "LEG7014",
    message: `the run of cron "${name}" has not ended after ${formatDuration(timeoutMs)}; it goes on`,
    hint: `legion cron ticks ${name} shows how it ends`,
  });
}
