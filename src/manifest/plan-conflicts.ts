import { LegionError } from "../lib/errors.ts";
import { canonicalHash } from "../lib/hash.ts";
import { isObject, type Json } from "../lib/json.ts";
import { count } from "../lib/text.ts";
import { baseOf, planDigest } from "./plan.ts";
import { type LiveObject, objectKey, type Plan } from "./plan-contract.ts";
import { titleOf } from "./plan-text.ts";

/** An object that is no longer as it was when the plan was made. */
export interface PlanConflict {
  /** `Agent/default/greeter`. */
  readonly key: string;
  readonly moved: "created" | "changed" | "deleted";
}

/** How many conflicts the message of an error lists. */
const LISTED_MAX = 20;

/** What moved since a plan was made. A write that changed neither labels nor annotations nor spec (a new status) does not count. */
export function planConflicts(plan: Plan, live: readonly LiveObject[]): readonly PlanConflict[] {
  const liveByKey = new Map(live.map((object) => [objectKey(object), object]));
  return Object.entries(plan.base).flatMap(([key, base]): PlanConflict[] => {
    const now = liveByKey.get(key);
    if (base === null) return now === undefined ? [] : [{ key, moved: "created" }];
    if (now === undefined) return [{ key, moved: "deleted" }];
    const isSame =
      now.resourceVersion === base.resourceVersion || baseOf(now).digest === base.digest;
    return isSame ? [] : [{ key, moved: "changed" }];
  });
}

/** Throws LEG1081, which lists what moved, when a saved plan no longer fits the store. */
export function refuseStale(plan: Plan, live: readonly LiveObject[]): void {
  const conflicts = planConflicts(plan, live);
  if (conflicts.length === 0) return;
  const listed = conflicts
    .slice(0, LISTED_MAX)
    .map(({ key, moved }) => `${titleOfKey(key)} was ${moved}`);
  const more = conflicts.length - listed.length;
  throw new LegionError({
    code: "LEG1081",
    message: `the store moved since the plan was made: ${listed.join(", ")}${more > 0 ? `, and ${count(more, "more", "more")}` : ""}`,
    hint: "make the plan anew, look at it, and apply that one",
  });
}

/** `Agent/default/greeter` as people write it. */
function titleOfKey(key: string): string {
  const [kind = "", namespace = "", name = ""] = key.split("/");
  return titleOf({ kind, namespace, name });
}

/** A saved plan, as it was written by JSON.stringify. Throws LEG1082 when the text is no plan, or was altered. */
export function readPlan(text: string): Plan {
  return checkedPlan(parsed(text));
}

/** The value as a plan. Throws LEG1082 when it is none, or is not as it was made. */
export function checkedPlan(plan: unknown): Plan {
  if (!isPlan(plan)) throw notAPlan("the file is not a saved plan");
  const steps = plan.changes.map((change) => ({
    change,
    specHash: change.object === undefined ? "" : canonicalHash(change.object.spec),
  }));
  if (planDigest(plan, steps) !== plan.digest)
    throw notAPlan("the saved plan was altered after it was made");
  return plan;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** The form only as far as the digest needs it; whether the rest is as it was made, the digest tells. */
function isPlan(value: unknown): value is Plan {
  return (
    isObject(value) &&
    value.planVersion === 1 &&
    typeof value.source === "string" &&
    typeof value.digest === "string" &&
    isObject(value.base) &&
    Array.isArray(value.changes) &&
    value.changes.every(
      (change) =>
        isObject(change) &&
        (change.object === undefined ||
          (isObject(change.object) && change.object.spec !== undefined)),
    )
  );
}

function notAPlan(message: string): LegionError {
  return new LegionError({
    code: "LEG1082",
    message,
    hint: "make the plan anew with this version of legion and save it again",
  });
}
