import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "../lib/json.ts";
import type { Resource, ResourceKey } from "../state/resource.ts";
import type { Fence, Store } from "../state/store.ts";
import { ConflictError } from "../state/store-errors.ts";
import type { Condition, ConditionType, ObjectStatus } from "./contract.ts";

/** A condition as whoever found it out says it; since when it holds is seen from the status. */
export type Statement = Omit<Condition, "lastTransitionTime">;

/** Tries of a status write that meets another one. */
const TRIES_MAX = 10;

export function statusOf({ status }: Resource): ObjectStatus {
  return status as ObjectStatus;
}

export function conditionOf(status: ObjectStatus, type: ConditionType): Condition | undefined {
  return status.conditions?.find((condition) => condition.type === type);
}

/** Whether a condition says True of the generation that the object has now. What it said of an older one does not count. */
export function holds(resource: Resource, type: ConditionType): boolean {
  const condition = conditionOf(statusOf(resource), type);
  return condition?.status === "True" && condition.observedGeneration === resource.generation;
}

export function isReady(resource: Resource): boolean {
  return holds(resource, "Ready");
}

/** The status with one condition said. The identical status when it was said already. */
export function withCondition(
  status: ObjectStatus,
  statement: Statement,
  now: number,
): ObjectStatus {
  const before = conditionOf(status, statement.type);
  const since =
    before?.status === statement.status ? before.lastTransitionTime : new Date(now).toISOString();
  const { type, reason, message, observedGeneration } = statement;
  const condition: Condition = {
    type,
    status: statement.status,
    reason,
    message,
    lastTransitionTime: since,
    observedGeneration,
  };
  if (before !== undefined && isDeepStrictEqual({ ...before }, condition)) return status;
  const others = (status.conditions ?? []).filter((each) => each.type !== type);
  const conditions = [...others, condition].sort((a, b) => (a.type < b.type ? -1 : 1));
  return { ...status, conditions };
}

export function withConditions(
  status: ObjectStatus,
  statements: readonly Statement[],
  now: number,
): ObjectStatus {
  return statements.reduce((next, statement) => withCondition(next, statement, now), status);
}

/** What a status becomes; undefined leaves it, as does the same status. */
export type StatusChanger = (resource: Resource) => ObjectStatus | undefined;

export interface PatchOptions {
  readonly fence?: Fence;
  /** Wall time, milliseconds since 1970. */
  readonly at: number;
}

/**
 * Reads an object, changes its status and writes it back, again when it moved meanwhile. Writes nothing when nothing
 * changes or the object is gone. Gives the version of the write, 0 without one.
 */
export async function patchStatus(
  store: Pick<Store, "read" | "write">,
  key: ResourceKey,
  change: StatusChanger,
  { fence, at }: PatchOptions,
): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    const resource = await store.read(key);
    const status = resource && change(resource);
    if (resource === undefined || status === undefined || status === resource.status) return 0;
    try {
      const { version } = await store.write(
        [
          {
            type: "status",
            key,
            status: status as JsonObject,
            expect: resource.resourceVersion,
          },
        ],
        { at, ...(fence && { fence }) },
      );
      return version;
    } catch (error) {
      if (!(error instanceof ConflictError) || tries >= TRIES_MAX) throw error;
    }
  }
}
