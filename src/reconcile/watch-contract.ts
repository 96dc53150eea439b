import type { ResourceKey } from "../state/resource.ts";
import type { Tick } from "../state/ticks.ts";
import type { Silence } from "../state/watching.ts";
import type { ExplainedLine } from "../trigger/explain.ts";
import type { ApiObject } from "./contract.ts";

/** What can be done with watchers and crons that run. Their states stand in the status of their objects: `status.watch`, `status.cron`. */
export interface WatchPlane {
  /** The typed tree of a watcher's trigger with the values at its last poll; LEG6030 for one that is not there. */
  explainTrigger(key: ResourceKey): Promise<readonly ExplainedLine[]>;
  /** Those whose time is not over, oldest first. */
  silences(): Promise<readonly Silence[]>;
  /** Holds back what a watcher tells until a moment (ISO 8601); takes the place of a silence that there is. */
  silence(wanted: Pick<Silence, "watcher" | "until" | "reason" | "by">): Promise<Silence>;
  /** By id, or by the watcher. */
  unsilence(which: {
    readonly id?: string;
    readonly watcher?: ResourceKey;
  }): Promise<{ readonly removed: boolean }>;
  /** Newest first. */
  cronTicks(key: ResourceKey, limit?: number): Promise<readonly Tick[]>;
  /** Runs a cron now. */
  triggerCron(key: ResourceKey): Promise<Tick>;
  /** Ends the pause after a failure. */
  resumeCron(key: ResourceKey): Promise<ApiObject>;
}
