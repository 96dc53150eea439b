import { LegionError } from "../lib/errors.ts";
import { isObject, type JsonObject } from "../lib/json.ts";
import { checkedPlan, refuseStale } from "../manifest/plan-conflicts.ts";
import type {
  Plan,
  PlanAction,
  PlannedChange,
  PlannedInventory,
  PlannedObject,
} from "../manifest/plan-contract.ts";
import { titleOf } from "../manifest/plan-text.ts";
import { keyOf, keyText, type Resource, type ResourceKey } from "../state/resource.ts";
import { liveOf } from "./apply.ts";
import { badRequest, invalidError } from "./apply-errors.ts";
import { inventoryChange, inventoryOfPlan } from "./apply-inventory.ts";
import { documentOf, type Validate } from "./apply-object.ts";
import { carryOut, type PlaneContext } from "./apply-write.ts";
import type { ApplyReport } from "./contract.ts";

/** Does what a saved plan says, whole or not at all, unless the store has moved since the plan was made. */
export async function applySavedPlan(
  context: PlaneContext,
  saved: Plan,
  manager: string,
): Promise<ApplyReport> {
  const plan = checkedPlan(saved);
  checkObjects(plan, context.validate);
  const { source, changes, base } = plan;
  const live = await liveOf(context.store, changes);
  refuseStale(plan, [...live.values()]);
  refuseTakenOver(plan, live);
  const before = await context.store.inventory(source);
  const after = plan.inventory && inventoryOfPlan(plan.inventory, base, before);
  const done = await carryOut(context, {
    ...{ changes, live, manager, dryRun: false },
    ...(after && { inventory: inventoryChange(source, after) }),
  });
  return { source, plan, dryRun: false, ...done };
}

/** A plan comes from outside: what it writes is held against the schemas like everything that is sent. */
function checkObjects({ changes, base, inventory }: Plan, validate: Validate): void {
  const invalid = changes.flatMap((change) => {
    const isKnown = isKey(change) && Object.hasOwn(base, keyText(change));
    if (!isKnown || !actions.includes(change.action)) throw notWhole();
    if (change.object === undefined) return [];
    if (!isWritable(change.object)) throw notWhole();
    const { labels, annotations, spec } = change.object;
    const fields = { ...keyOf(change), labels, annotations, spec: spec as JsonObject };
    const reasons = validate(documentOf(fields));
    return reasons.length > 0 ? [{ ...keyOf(change), reasons }] : [];
  });
  if (inventory !== undefined && !isInventory(inventory)) throw notWhole();
  if (invalid.length > 0) throw invalidError(invalid);
}

const actions: readonly string[] = ["create", "update", "delete", "keep"] satisfies PlanAction[];

function isInventory({ keys, digest, attempted, applied = "" }: PlannedInventory): boolean {
  const texts = [digest, attempted, applied];
  return (
    Array.isArray(keys) && keys.every(isKey) && texts.every((text) => typeof text === "string")
  );
}

function isKey({ kind, namespace, name }: ResourceKey): boolean {
  return [kind, namespace, name].every((part) => typeof part === "string");
}

function isWritable({ labels, annotations, spec, managers = {}, origin }: PlannedObject): boolean {
  const isList = (owned: unknown) =>
    Array.isArray(owned) && owned.every((pointer) => typeof pointer === "string");
  return (
    [labels, annotations, spec, managers].every(isObject) &&
    Object.values(managers).every(isList) &&
    (origin === undefined || typeof origin.file === "string")
  );
}

function notWhole(): LegionError {
  return badRequest(
    "the plan lacks parts that an apply needs",
    "make it with legion plan -out FILE and apply that file",
  );
}

/** What another source has come to declare since is not this plan's to delete, though it looks as it did. */
function refuseTakenOver({ source, changes }: Plan, live: ReadonlyMap<string, Resource>): void {
  const owner = (change: PlannedChange) => live.get(keyText(change))?.origin?.source ?? source;
  const taken = changes.filter((change) => change.action === "delete" && owner(change) !== source);
  const [first] = taken;
  if (first === undefined) return;
  throw new LegionError({
    code: "LEG1081",
    message: `the store moved since the plan was made: ${owner(first)} declares ${taken.map(titleOf).join(", ")} now`,
    hint: "make the plan anew, look at it, and apply that one",
  });
}
