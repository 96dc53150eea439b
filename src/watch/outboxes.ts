import type { ErrorData } from "../lib/errors.ts";
import type { Timers } from "../manifest/watch/timers.ts";
import type { Deliver, Delivery } from "./contract.ts";
import type { Decision, WatcherEvent } from "./decide.ts";
import { DeliveryQueue } from "./delivery-queue.ts";
import type { EndedDelivery, GroupSet } from "./group-set.ts";
import { deliveredFire, messageOf } from "./message.ts";
import { deliveryId, type Entry, isRecovery, withoutFirst, withoutGrouped } from "./record.ts";
import type { RunningWatcher } from "./running.ts";

interface Outbox {
  readonly watcher: RunningWatcher;
  readonly queue: DeliveryQueue;
  /** Entries with a smaller number are on disk. */
  durable: number;
}

/** Makes the deliveries of all watchers: of each in order, and none before it is on disk. */
export class OutboxSet {
  private readonly parts: {
    readonly timers: Timers;
    readonly deliver: Deliver;
    readonly groups: Pick<GroupSet, "how" | "join" | "pump">;
    readonly emit: (watcher: RunningWatcher, event: WatcherEvent) => void;
  };
  private readonly outboxes = new Map<string, Outbox>();

  constructor(parts: OutboxSet["parts"]) {
    this.parts = parts;
  }

  /** Takes up a watcher whose record is on disk as it is. */
  add(watcher: RunningWatcher): void {
    const { timers, deliver, groups } = this.parts;
    const outbox: Outbox = {
      watcher,
      durable: watcher.record.next,
      queue: new DeliveryQueue({
        ...{ timers, deliver },
        next: () => this.next(outbox),
        ended: (_, how) => this.ended(watcher, how),
        waits: (_, error) => this.waits(watcher.plan.uid, error),
      }),
    };
    this.outboxes.set(watcher.plan.uid, outbox);
    // What a group told while this watcher was not here.
    for (const { waitsFor } of watcher.record.outbox) {
      const how = waitsFor && groups.how(waitsFor.group, waitsFor.id);
      if (how !== undefined && how !== "pending")
        watcher.update(withoutGrouped(watcher.record, waitsFor?.id ?? "", how === "told"));
    }
    outbox.queue.pump();
  }

  /** What is new in an outbox and waits for others goes to its group. */
  told({ plan }: RunningWatcher, { entries }: Decision): void {
    for (const entry of entries) {
      const { waitsFor } = entry;
      if (waitsFor === undefined) continue;
      const member = { watcher: plan.key, uid: plan.uid, entry };
      this.parts.groups.join(waitsFor.group, waitsFor.id, member, plan.groupWaitMs);
    }
  }

  /** The row of a watcher is on disk as it was when it had `next` entries. */
  written({ plan }: RunningWatcher, next: number): void {
    const outbox = this.outboxes.get(plan.uid);
    if (outbox === undefined) return;
    outbox.durable = Math.max(outbox.durable, next);
    outbox.queue.pump();
  }

  /** A group told a fire of a watcher, or failed to. */
  groupEnded(uid: string, delivery: string, how: EndedDelivery): void {
    const outbox = this.outboxes.get(uid);
    if (outbox === undefined) return;
    const { watcher, queue } = outbox;
    if (how.type === "failed") this.failed(watcher, how.error);
    watcher.update(withoutGrouped(watcher.record, delivery, how.type === "done"));
    queue.pump();
  }

  waits(uid: string, { code, message }: ErrorData): void {
    const watcher = this.outboxes.get(uid)?.watcher;
    const told = `${code}: ${message}: it is tried again`;
    if (watcher !== undefined)
      this.parts.emit(watcher, { severity: "warning", reason: "DeliveryWaits", message: told });
  }

  /** Whether another wake of the watcher goes to its agent before that entry; both wait for the same then. */
  isBehind(uid: string, n: number): boolean {
    const first = this.outboxes.get(uid)?.watcher.record.outbox[0];
    if (first === undefined || first.n >= n) return false;
    return first.waitsFor === undefined && first.action.kind === "wake";
  }

  remove(uid: string): Promise<void> {
    const outbox = this.outboxes.get(uid);
    this.outboxes.delete(uid);
    return outbox?.queue.close() ?? Promise.resolve();
  }

  async close(): Promise<void> {
    await Promise.all([...this.outboxes.values()].map(({ queue }) => queue.close()));
  }

  /** The first entry, once it is on disk. The end of firing is not told when no fire of it came through. */
  private next({ watcher, durable }: Outbox): Delivery | undefined {
    for (;;) {
      const [first] = watcher.record.outbox;
      if (first === undefined || first.n >= durable) return undefined;
      if (first.waitsFor !== undefined) {
        this.parts.groups.pump(first.waitsFor.group);
        return undefined;
      }
      if (!isRecovery(first) || first.isDue === true) return deliveryOf(watcher, first);
      const message = "the fires were not told, so their end is not told either";
      this.parts.emit(watcher, { severity: "warning", reason: "RecoveryDropped", message });
      watcher.update(withoutFirst(watcher.record, false));
    }
  }

  private ended(watcher: RunningWatcher, how: EndedDelivery): void {
    if (!this.outboxes.has(watcher.plan.uid)) return;
    if (how.type === "failed") this.failed(watcher, how.error);
    watcher.update(withoutFirst(watcher.record, how.type === "done"));
  }

  private failed(watcher: RunningWatcher, { code, message }: ErrorData): void {
    const told = `${code}: ${message}: it is given up`;
    this.parts.emit(watcher, { severity: "warning", reason: "DeliveryFailed", message: told });
  }
}

function deliveryOf({ plan }: RunningWatcher, entry: Entry): Delivery {
  const { n, action, told } = entry;
  return {
    id: deliveryId(plan.uid, n),
    watcher: plan.key,
    action,
    text: messageOf([told]),
    fires: isRecovery(entry) ? [] : [deliveredFire(told)],
  };
}
