import type { Clock } from "../lib/clock.ts";
import type { ErrorData } from "../lib/errors.ts";
import type { Timers } from "../manifest/watch/timers.ts";
import type { Watching } from "../state/watching.ts";
import type { Deliver, Delivered, Delivery } from "./contract.ts";
import { DeliveryQueue } from "./delivery-queue.ts";
import {
  closedAt,
  emptyGroup,
  type Group,
  groupFrom,
  holds,
  isPending,
  joined,
  type Member,
  openDelivery,
  savedGroup,
  withoutFirstBatch,
  withoutWatcher,
} from "./groups.ts";
import type { Keeper, KeptRow } from "./keeper.ts";
import { deliveredFire, messageOf } from "./message.ts";

/** One group that runs. */
interface RunningGroup {
  group: Group;
  /** Closed batches that are on disk as closed. */
  durable: ReadonlySet<string>;
  readonly queue: DeliveryQueue;
  cancelWait?: () => void;
}

/** Tells fires that wait for each other as one. Each group is a row of its own, written with those of its watchers. */
export class GroupSet {
  private readonly parts: {
    readonly clock: Clock;
    readonly timers: Timers;
    readonly states: Watching;
    readonly keeper: Pick<Keeper, "soon">;
    readonly deliver: Deliver;
    /** A delivery has ended, for each watcher that it told a fire of. */
    readonly ended: (uid: string, delivery: string, how: EndedDelivery) => void;
    readonly waits: (uid: string, error: ErrorData) => void;
    /** Whether the agent has to be told something else of a watcher before that entry. */
    readonly isBehind: (uid: string, n: number) => boolean;
  };
  private readonly running = new Map<string, RunningGroup>();
  /** Watchers that were removed: a group that is taken up later may still hold what they would have told. */
  private readonly gone = new Set<string>();

  constructor(parts: GroupSet["parts"]) {
    this.parts = parts;
  }

  /** Takes up what was kept of a group; an open one waits at most so long from now. */
  async load(id: string, waitMs: number): Promise<void> {
    if (this.running.has(id)) return;
    const row = await this.parts.states.read(id);
    // Another watcher of the group may have been quicker.
    if (this.running.has(id) || row === undefined) return;
    const nowMs = this.parts.clock.now();
    const saved = groupFrom(row, nowMs + waitMs);
    const running = this.add(id, [...this.gone].reduce(withoutWatcher, saved));
    running.durable = new Set(running.group.closed.map((batch) => batch.id));
    const { open } = running.group;
    if (open !== undefined) this.wait(id, running, Math.max(0, open.untilMs - nowMs));
  }

  /** Goes on with what was kept, or with what had to wait for something else. */
  pump(id: string): void {
    this.running.get(id)?.queue.pump();
  }

  openDelivery(id: string): string | undefined {
    const running = this.running.get(id);
    return running && openDelivery(running.group);
  }

  /** Keeps a fire for a delivery, which it opens when it is not open. */
  join(id: string, delivery: string, member: Member, waitMs: number): void {
    const running = this.running.get(id) ?? this.add(id, emptyGroup);
    const isNew = running.group.open?.id !== delivery;
    const untilMs = this.parts.clock.now() + waitMs;
    running.group = joined(running.group, delivery, member, untilMs);
    if (isNew) this.wait(id, running, waitMs);
    this.parts.keeper.soon(id);
  }

  /** How a delivery of a group stands. */
  how(id: string, delivery: string): "pending" | "failed" | "told" {
    const group = this.running.get(id)?.group;
    if (group === undefined) return "told";
    if (isPending(group, delivery)) return "pending";
    return group.failed.includes(delivery) ? "failed" : "told";
  }

  /** A watcher was removed: nothing of it is told any more. Groups of which nothing is left are given back, to be forgotten. */
  leave(uid: string, stillUsed: ReadonlySet<string>): readonly string[] {
    const empty: string[] = [];
    this.gone.add(uid);
    for (const [id, running] of this.running) {
      const isOf = holds(running.group, uid);
      if (isOf) running.group = withoutWatcher(running.group, uid);
      const { open, closed } = running.group;
      if (open === undefined && closed.length === 0 && !stillUsed.has(id)) {
        running.cancelWait?.();
        this.running.delete(id);
        empty.push(id);
      } else if (isOf) this.parts.keeper.soon(id);
    }
    return empty;
  }

  row(id: string): KeptRow | undefined {
    const running = this.running.get(id);
    if (running === undefined) return undefined;
    const { group } = running;
    return {
      state: savedGroup(group),
      written: () => {
        running.durable = new Set(group.closed.map((batch) => batch.id));
        running.queue.pump();
      },
    };
  }

  async close(): Promise<void> {
    for (const { cancelWait } of this.running.values()) cancelWait?.();
    await Promise.all([...this.running.values()].map(({ queue }) => queue.close()));
  }

  private add(id: string, group: Group): RunningGroup {
    const { timers, deliver } = this.parts;
    const running: RunningGroup = {
      group,
      durable: new Set(),
      queue: new DeliveryQueue({
        ...{ timers, deliver },
        next: () => nextOf(running, this.parts.isBehind),
        ended: (delivery, how) => this.ended(id, running, delivery, how),
        waits: (_, error) => {
          for (const { uid } of running.group.closed[0]?.members ?? [])
            this.parts.waits(uid, error);
        },
      }),
    };
    this.running.set(id, running);
    return running;
  }

  private wait(id: string, running: RunningGroup, waitMs: number): void {
    running.cancelWait?.();
    running.cancelWait = this.parts.timers.after(waitMs, () => {
      running.group = closedAt(running.group, Number.POSITIVE_INFINITY);
      this.parts.keeper.soon(id);
    });
  }

  private ended(id: string, running: RunningGroup, { id: made }: Delivery, how: EndedDelivery) {
    const [batch] = running.group.closed;
    // What it told may be gone meanwhile, with the watchers of it.
    if (batch?.id !== made) return;
    running.group = withoutFirstBatch(running.group, how.type === "done");
    this.parts.keeper.soon(id);
    for (const uid of new Set(batch.members.map((member) => member.uid)))
      this.parts.ended(uid, made, how);
  }
}

export type EndedDelivery = Exclude<Delivered, { readonly type: "retry" }>;

function nextOf(
  { group, durable }: RunningGroup,
  isBehind: (uid: string, n: number) => boolean,
): Delivery | undefined {
  const [batch] = group.closed;
  const [first] = batch?.members ?? [];
  if (batch === undefined || first === undefined || !durable.has(batch.id)) return undefined;
  if (batch.members.some(({ uid, entry }) => isBehind(uid, entry.n))) return undefined;
  const fires = batch.members.map(({ entry }) => entry.told);
  return {
    id: batch.id,
    watcher: first.watcher,
    action: first.entry.action,
    text: messageOf(fires),
    fires: fires.map(deliveredFire),
  };
}
