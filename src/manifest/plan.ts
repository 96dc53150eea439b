import { canonicalHash } from "../lib/hash.ts";
import type { Json } from "../lib/json.ts";
import { compareOrder, isWave, SYNC_WAVE_ANNOTATION } from "./order.ts";
import type {
  BaseState,
  Declaration,
  DesiredDeclaration,
  FieldChange,
  LiveObject,
  Plan,
  PlannedChange,
  PlannedInventory,
  PlannedObject,
} from "./plan-contract.ts";
import { objectKey } from "./plan-contract.ts";
import { changedFields } from "./plan-fields.ts";
import { withRenames } from "./plan-renames.ts";
import { emptySetRefused, type PruneOptions, pruneJudge } from "./prune.ts";
import { strongestOf } from "./reload-class.ts";

export interface PlanOptions extends PruneOptions {
  /** The valid objects that the source declares. */
  readonly desired: readonly DesiredDeclaration[];
  /** What the store has; objects that neither stand in `desired` nor in the inventory are passed over. */
  readonly live: readonly LiveObject[];
}

/** A change together with what orders it and what it is based on; the latter do not go into the plan as they are. */
export interface Step {
  readonly change: PlannedChange;
  readonly annotations: Readonly<Record<string, string>>;
  /** Hash of the spec that the change writes or deletes; computed when it is asked for, as most steps keep what is there. */
  specHash(): string;
  base(): BaseState | null;
}

/**
 * What has to happen so that the store is as a source declares. It reads and writes nothing. Throws LEG1080 when it would
 * delete all that came from the source because the source declares nothing.
 */
export function planChanges(options: PlanOptions): Plan {
  return planOf(options.source, planSteps(options));
}

/** The steps of a plan, in the order in which they are to be applied; without the hashes that only a saved plan needs. */
export function planSteps(options: PlanOptions): readonly Step[] {
  const { desired, live, source } = options;
  const liveByKey = new Map(live.map((object) => [objectKey(object), object]));
  const declared = desired.map((object) =>
    stepFor(object, liveByKey.get(objectKey(object)), source),
  );
  const steps = [...declared, ...undeclaredSteps(options, liveByKey)];
  const doomed = steps.filter(({ change }) => change.action === "delete").length;
  if (desired.length === 0 && doomed > 0 && options.allowEmpty !== true)
    throw emptySetRefused(source, doomed);
  return inOrder(withRenames(steps));
}

/** What a declaration does to the object that is there, if there is one. */
function stepFor(object: DesiredDeclaration, live: LiveObject | undefined, source: string): Step {
  const { kind, namespace, name, annotations } = object;
  const key = { kind, namespace, name };
  const rest = { annotations, specHash: hashOf(object) };
  const notes = waveNotes(annotations);
  if (live === undefined || live.deletionTimestamp !== undefined) {
    const again = live && ["it is being deleted; it is made again once that has ended"];
    const change = { ...key, action: "create", object: plannedObject(object) } as const;
    const base = () => (live === undefined ? null : baseOf(live));
    return { change: withNotes(change, [...notes, ...(again ?? [])]), ...rest, base };
  }
  const movedTo = object.origin?.source ?? source;
  const fields = [...changedFields(live, object), ...movedFrom(live, movedTo)];
  // Equal specs share their hash, so that an unchanged set is planned without a hash being computed.
  const sameSpec = !fields.some(({ pointer }) => pointer.startsWith("/spec"));
  const base = () => (sameSpec ? baseOf(live, rest.specHash()) : baseOf(live));
  const change: PlannedChange =
    fields.length === 0
      ? {
          ...key,
          action: "keep",
          ...(object.isRecordStale === true && { object: plannedObject(object) }),
        }
      : {
          ...key,
          action: "update",
          fields,
          class: strongestOf(fields.map((field) => field.class)),
          object: plannedObject(object),
        };
  return { change: withNotes(change, notes), ...rest, base };
}

/** Computed once, when somebody asks. */
function hashOf({ specHash, spec }: { specHash?: string; spec: unknown }): () => string {
  let hash = specHash;
  return () => {
    hash ??= canonicalHash(spec as Json);
    return hash;
  };
}

/** An object that another source declared before belongs to this one from now on. */
function movedFrom({ origin }: LiveObject, source: string): readonly FieldChange[] {
  if (origin === undefined || origin.source === source) return [];
  return [{ pointer: "/origin/source", before: origin.source, after: source, class: "live" }];
}

function undeclaredSteps(
  options: PlanOptions,
  liveByKey: ReadonlyMap<string, LiveObject>,
): readonly Step[] {
  const known = [...(options.inventory ?? []), ...(options.declaredInvalid ?? [])];
  if (known.length === 0) return [];
  const judge = pruneJudge(options);
  const declared = new Set(options.desired.map(objectKey));
  return [...new Set(known.map(objectKey))].flatMap((key) => {
    const live = declared.has(key) ? undefined : liveByKey.get(key);
    if (live === undefined) return [];
    const { kind, namespace, name, annotations } = live;
    const verdict = judge(live);
    const object = { kind, namespace, name };
    const change: PlannedChange =
      verdict.action === "delete"
        ? { ...object, action: "delete" }
        : { ...object, action: "keep", isUndeclared: true, notes: [verdict.note] };
    const specHash = hashOf(live);
    return [{ change, annotations, specHash, base: () => baseOf(live, specHash()) }];
  });
}

/** Creates, updates and what is kept in order of dependency; then the deletes, the other way round. */
function inOrder(steps: readonly Step[]): readonly Step[] {
  const ordered = steps
    .map((step) => ({ step, place: { ...step.change, annotations: step.annotations } }))
    .sort((a, b) => compareOrder(a.place, b.place))
    .map(({ step }) => step);
  const isDelete = ({ change }: Step) => change.action === "delete";
  return [...ordered.filter((step) => !isDelete(step)), ...ordered.filter(isDelete).toReversed()];
}

/** Steps as data that goes through a file and back. */
export function planOf(source: string, steps: readonly Step[], inventory?: PlannedInventory): Plan {
  const changes = steps.map(({ change }) => change);
  const base = Object.fromEntries(steps.map((step) => [objectKey(step.change), step.base()]));
  const digested = steps.map(({ change, specHash }) => ({
    change,
    specHash: change.object === undefined ? "" : specHash(),
  }));
  return {
    planVersion: 1,
    source,
    changes,
    base,
    ...(inventory !== undefined && { inventory }),
    digest: planDigest({ source, base, inventory }, digested),
  };
}

/** The digest of a plan; specs go into it by their hashes. */
export function planDigest(
  {
    source,
    base,
    inventory,
  }: Pick<Plan, "source" | "base"> & { inventory?: PlannedInventory | undefined },
  steps: readonly { readonly change: PlannedChange; readonly specHash: string }[],
): string {
  const told = steps.map(({ change, specHash }) => {
    const { object, ...rest } = change;
    if (object === undefined) return rest;
    const { spec: _, ...written } = object;
    return { ...rest, ...written, specHash };
  });
  const whole = { source, base, told, ...(inventory !== undefined && { inventory }) };
  return canonicalHash(whole as unknown as Json);
}

/** What a plan remembers of an object that is there. */
export function baseOf(live: LiveObject, specHash?: string): BaseState {
  return { resourceVersion: live.resourceVersion, digest: declarationDigest(live, specHash) };
}

/** Of labels, annotations and spec: changes exactly when one of them does. */
function declarationDigest({ labels, annotations, spec }: Declaration, specHash?: string): string {
  const hash = specHash ?? canonicalHash(spec as Json);
  const isBare = Object.keys(labels).length + Object.keys(annotations).length === 0;
  return isBare ? hash : canonicalHash([hash, { ...labels }, { ...annotations }]);
}

function plannedObject(object: DesiredDeclaration): PlannedObject {
  const { labels, annotations, spec, managers, origin } = object;
  return {
    labels,
    annotations,
    spec: spec as Json,
    ...(managers !== undefined && { managers }),
    ...(origin !== undefined && { origin }),
  };
}

/** What is doubtful about where an object stands in the order. */
export function waveNotes(annotations: Readonly<Record<string, string>>): readonly string[] {
  const wave = annotations[SYNC_WAVE_ANNOTATION];
  return wave === undefined || isWave(wave)
    ? []
    : [`${SYNC_WAVE_ANNOTATION} "${wave}" is not a whole number and counts as 0`];
}

function withNotes(change: PlannedChange, notes: readonly string[]): PlannedChange {
  return notes.length === 0 ? change : { ...change, notes };
}
