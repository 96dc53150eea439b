import { breather } from "../manifest/breather.ts";
import { type PlanOptions, planOf, planSteps, type Step } from "../manifest/plan.ts";
import type { DesiredDeclaration, PlannedInventory } from "../manifest/plan-contract.ts";
import type { ValueFault } from "../manifest/validate.ts";
import type { FieldConflict } from "../state/managed.ts";
import { keyOf, keyText, type Resource, type ResourceKey } from "../state/resource.ts";
import type { Store } from "../state/store.ts";
import { type Blamed, badRequest, conflictsError, invalidError } from "./apply-errors.ts";
import { inventoryAfter, inventoryChange, type Standing, standingOf } from "./apply-inventory.ts";
import { type Validate, wantedOf } from "./apply-object.ts";
import { requestDigest, settledChange, settledSet } from "./apply-settled.ts";
import { carryOut, type Done, type PlaneContext } from "./apply-write.ts";
import type { ApplyReport, ApplyRequest } from "./contract.ts";

/** Up to so many objects are read one by one; more are listed. */
const READ_SINGLY_MAX = 500;
const NAME_CHARS_MAX = 1_000;

/** Makes the store say what a source declares, whole or not at all. */
export async function applySet(context: PlaneContext, request: ApplyRequest): Promise<ApplyReport> {
  checkRequest(request);
  const { store } = context;
  const { source, manager, dryRun = false } = request;
  const standing = standingOf(request, await store.inventory(source));
  const digest = requestDigest(request);
  const same = await settledReport(store, request, digest, standing);
  if (same !== undefined) return same;
  const live = await liveOf(store, [
    ...request.objects,
    ...standing.left,
    ...(request.declaredInvalid ?? []),
  ]);
  const breathe = breather();
  const desired = await desiredOf(request, live, context.validate, breathe);
  const steps = planSteps(planOptions(request, desired, [...live.values()], standing.left));
  const changes = steps.map(({ change }) => change);
  await breathe();
  const after = inventoryAfter(request, standing, changes, live);
  const isWrite = after !== undefined || changes.some(({ object }) => object !== undefined);
  const settled = isWrite ? settledChange(request, digest, desired, live) : undefined;
  const done = await carryOut(context, {
    ...{ changes, live, manager, dryRun },
    ...(after && { inventory: inventoryChange(source, after) }),
    ...(settled && { settled }),
  });
  return reportOf(request, () => steps, done, after);
}

/** The report of a request that the store says to the letter already; undefined when there may be something to do. */
async function settledReport(
  store: Store,
  request: ApplyRequest,
  digest: string | undefined,
  standing: Standing,
): Promise<ApplyReport | undefined> {
  const version = await store.version();
  const settled = await settledSet(store, request, digest, standing);
  if (settled === undefined) return undefined;
  // No object is left over that the inventory would have to be compared with the store for.
  if (inventoryAfter(request, standing, [], new Map()) !== undefined) return undefined;
  const { objects, steps } = settled;
  return reportOf(request, steps, { objects, rowsWritten: 0, version }, undefined);
}

function reportOf(
  { source, dryRun = false }: ApplyRequest,
  steps: () => readonly Step[],
  done: Done,
  after: PlannedInventory | undefined,
): ApplyReport {
  let plan: ApplyReport["plan"] | undefined;
  return {
    source,
    dryRun,
    ...done,
    // The hashes of a plan cost more than the rest of an apply that changes nothing, and few readers ask for them.
    get plan() {
      plan ??= planOf(source, steps(), after);
      return plan;
    },
  };
}

function planOptions(
  { source, prune = false, allowEmpty = false, ...request }: ApplyRequest,
  desired: readonly DesiredDeclaration[],
  live: readonly Resource[],
  inventory: readonly ResourceKey[],
): PlanOptions {
  const { unchanged = [], declaredInvalid = [], unreadFiles = [] } = request;
  // What is declared and not valid is declared.
  const isWhole = allowEmpty || unchanged.length > 0 || declaredInvalid.length > 0;
  const undeclared = { inventory, declaredInvalid, unreadFiles };
  return { source, prune, allowEmpty: isWhole, desired, live, ...undeclared };
}

/** What of some objects is there, by key. */
export async function liveOf(
  store: Store,
  keys: readonly ResourceKey[],
): Promise<ReadonlyMap<string, Resource>> {
  const found =
    keys.length > READ_SINGLY_MAX
      ? await store.list()
      : await Promise.all(keys.map((key) => store.read(keyOf(key))));
  const live = new Map<string, Resource>();
  for (const resource of found) if (resource) live.set(keyText(resource), resource);
  return live;
}

/** All objects as they are to be; one error names everything that is in the way. */
async function desiredOf(
  request: ApplyRequest,
  live: ReadonlyMap<string, Resource>,
  validate: Validate,
  breathe: () => Promise<void>,
): Promise<readonly DesiredDeclaration[]> {
  const desired: DesiredDeclaration[] = [];
  const conflicts: Blamed<FieldConflict>[] = [];
  const faults: Blamed<ValueFault>[] = [];
  for (const object of request.objects) {
    const wanted = wantedOf(object, live.get(keyText(object)), request, validate);
    if ("declaration" in wanted) desired.push(wanted.declaration);
    else if ("faults" in wanted) faults.push({ ...keyOf(object), reasons: wanted.faults });
    else conflicts.push({ ...keyOf(object), reasons: wanted.conflicts });
    await breathe();
  }
  if (faults.length > 0) throw invalidError(faults);
  if (conflicts.length > 0) throw conflictsError(conflicts);
  return desired;
}

function checkRequest({ objects, source, manager }: ApplyRequest): void {
  for (const [what, name] of Object.entries({ source, manager })) {
    if (isName(name)) continue;
    throw badRequest(
      `the ${what} of an apply is a text of 1 to ${NAME_CHARS_MAX} printable characters`,
      `send a ${what}, for example legion-apply`,
    );
  }
  const keys = objects.map(keyText);
  if (new Set(keys).size === keys.length) return;
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  throw badRequest(`${twice} is sent twice in one apply`, "send each object once");
}

function isName(text: string): boolean {
  return typeof text === "string" && /^[^\p{Cc}]+$/u.test(text) && text.length <= NAME_CHARS_MAX;
}
