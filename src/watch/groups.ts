import type { Json, JsonObject } from "../lib/json.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { Entry } from "./record.ts";

/** An entry of a watcher that is told together with others. */
export interface Member {
  readonly watcher: ResourceKey;
  readonly uid: string;
  readonly entry: Entry;
}

/** Fires that become one delivery. */
export interface Batch {
  /** The id of the delivery. */
  readonly id: string;
  /** When it is closed; wall milliseconds. */
  readonly untilMs: number;
  readonly members: readonly Member[];
}

/**
 * What waits to be told together. Nothing joins a closed batch: its delivery may have been made already, and a second
 * time with the same id has no effect.
 */
export interface Group {
  readonly open?: Batch;
  /** Oldest first; each is delivered when the one before has ended. */
  readonly closed: readonly Batch[];
  /** The last deliveries that failed for good: watchers that were not here then ask. */
  readonly failed: readonly string[];
}

export const emptyGroup: Group = { closed: [], failed: [] };

/** Fires that one delivery tells; the next one opens another. */
export const BATCH_MAX = 100;
const FAILED_KEPT = 100;

/** The delivery that one more fire joins, if one is open for it. */
export function openDelivery({ open }: Group): string | undefined {
  return open !== undefined && open.members.length < BATCH_MAX ? open.id : undefined;
}

/** The group with one more fire; `id` is the delivery that it joins, or that it opens: the one that was open is closed then. */
export function joined(group: Group, id: string, member: Member, untilMs: number): Group {
  const { open } = group;
  if (open?.id === id) return { ...group, open: { ...open, members: [...open.members, member] } };
  const before = open === undefined ? group : closing(group, open);
  return { ...before, open: { id, untilMs, members: [member] } };
}

/** Closes the open batch when its time has come. */
export function closedAt(group: Group, nowMs: number): Group {
  const { open } = group;
  return open === undefined || open.untilMs > nowMs ? group : closing(group, open);
}

function closing({ closed, failed }: Group, batch: Batch): Group {
  return { closed: [...closed, batch], failed };
}

/** The first closed batch has ended. */
export function withoutFirstBatch(group: Group, isTold: boolean): Group {
  const [first, ...closed] = group.closed;
  if (first === undefined) return group;
  const failed = isTold ? group.failed : [...group.failed, first.id].slice(-FAILED_KEPT);
  return { ...group, closed, failed };
}

/** The group without what a watcher that was removed would have told. */
export function withoutWatcher(group: Group, uid: string): Group {
  const rest = (batch: Batch): Batch => ({
    ...batch,
    members: batch.members.filter((member) => member.uid !== uid),
  });
  const { open, failed } = group;
  const left = open && rest(open);
  return {
    failed,
    closed: group.closed.map(rest).filter(({ members }) => members.length > 0),
    ...(left !== undefined && left.members.length > 0 && { open: left }),
  };
}

/** Whether a fire of a watcher waits in it. */
export function holds({ open, closed }: Group, uid: string): boolean {
  const batches = open === undefined ? closed : [...closed, open];
  return batches.some(({ members }) => members.some((member) => member.uid === uid));
}

/** Whether a delivery of the group is still to come. */
export function isPending({ open, closed }: Group, id: string): boolean {
  return open?.id === id || closed.some((batch) => batch.id === id);
}

/** The group that was saved; an open batch waits no longer than groupWaitMs from now, whatever the wall clock did. */
export function groupFrom(json: JsonObject | undefined, latestMs: number): Group {
  if (json === undefined) return emptyGroup;
  const { open, closed, failed } = json as unknown as Partial<Group>;
  return {
    closed: closed ?? [],
    failed: failed ?? [],
    ...(open !== undefined && { open: { ...open, untilMs: Math.min(open.untilMs, latestMs) } }),
  };
}

export function savedGroup(group: Group): JsonObject {
  return group as unknown as Record<string, Json>;
}
