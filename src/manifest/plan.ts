import { canonicalHash } from "../lib/hash.ts";
import type { Json } from "../lib/json.ts";
import { keyOf } from "./loaded.ts";
import type { ManifestObject } from "./objects.ts";
import { compareOrder, isWave, SYNC_WAVE_ANNOTATION } from "./order.ts";
import type {
  BaseState,
  Declaration,
  FieldChange,
  LiveObject,
  Plan,
  PlannedChange,
  PlannedObject,
} from "./plan-contract.ts";
import { objectKey } from "./plan-contract.ts";
import { changedFields } from "./plan-fields.ts";
import { withRenames } from "./plan-renames.ts";
import { emptySetRefused, type PruneOptions, pruneJudge } from "./prune.ts";
import { strongestOf } from "./reload-class.ts";

export interface PlanOptions extends PruneOptions {
  /** The valid objects that the source declares. */
  readonly desired: readonly ManifestObject[];
  /** What the store has; objects that neither stand in `desired` nor in the inventory are passed over. */
  readonly live: readonly LiveObject[];
}

/** A change together with what orders it and what it is based on; the latter do not go into the plan as they are. */
export interface Step {
  readonly change: PlannedChange;
  readonly annotations: Readonly<Record<string, string>>;
  /** Hash of the spec that the change writes or deletes. */
  readonly specHash: string;
  readonly base: BaseState | null;
}

/**
 * What has to happen so that the store is as a source declares. It reads and writes nothing. Throws LEG1080 when it would
 * delete all that came from the source because the source declares nothing.
 */
export function planChanges(options: PlanOptions): Plan {
  const { desired, live, source } = options;
  const liveByKey = new Map(live.map((object) => [objectKey(object), object]));
  const declared = desired.map((object) => stepFor(object, liveByKey.get(keyOf(object)), source));
  const steps = [...declared, ...undeclaredSteps(options, liveByKey)];
  const doomed = steps.filter(({ change }) => change.action === "delete").length;
  if (desired.length === 0 && doomed > 0 && options.allowEmpty !== true)
    throw emptySetRefused(source, doomed);
  return planOf(source, inOrder(withRenames(steps)));
}

/** What a declaration does to the object that is there, if there is one. */
function stepFor(object: ManifestObject, live: LiveObject | undefined, source: string): Step {
  const { kind, namespace, name, annotations, specHash } = object;
  const key = { kind, namespace, name };
  const rest = { annotations, specHash };
  const notes = waveNotes(annotations);
  if (live === undefined || live.deletionTimestamp !== undefined) {
    const again = live && ["it is being deleted; it is made again once that has ended"];
    const change = { ...key, action: "create", object: plannedObject(object) } as const;
    const base = live === undefined ? null : baseOf(live);
    return { change: withNotes(change, [...notes, ...(again ?? [])]), ...rest, base };
  }
  const fields = [...changedFields(live, object), ...movedFrom(live, source)];
  // Equal specs share their hash, so that an unchanged set is planned without a hash being computed.
  const sameSpec = !fields.some(({ pointer }) => pointer.startsWith("/spec"));
  const base = sameSpec ? baseOf(live, specHash) : baseOf(live);
  const change: PlannedChange =
    fields.length === 0
      ? { ...key, action: "keep" }
      : {
          ...key,
          action: "update",
          fields,
          class: strongestOf(fields.map((field) => field.class)),
          object: plannedObject(object),
        };
  return { change: withNotes(change, notes), ...rest, base };
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
  const judge = pruneJudge(options);
  const declared = new Set(options.desired.map(keyOf));
  const known = [...(options.inventory ?? []), ...(options.declaredInvalid ?? [])];
  return [...new Set(known.map(objectKey))].flatMap((key) => {
    const live = declared.has(key) ? undefined : liveByKey.get(key);
    if (live === undefined) return [];
    const { kind, namespace, name, annotations } = live;
    const verdict = judge(live);
    const notes = verdict.action === "keep" ? [verdict.note] : [];
    const change = withNotes({ kind, namespace, name, action: verdict.action }, notes);
    const specHash = canonicalHash(live.spec as Json);
    return [{ change, annotations, specHash, base: baseOf(live, specHash) }];
  });
}

/** Creates, updates and what is kept in order of dependency; then the deletes, the other way round. */
function inOrder(steps: readonly Step[]): readonly Step[] {
  const compare = (a: Step, b: Step) =>
    compareOrder(
      { ...a.change, annotations: a.annotations },
      { ...b.change, annotations: b.annotations },
    );
  const [deletes, others] = [true, false].map((isDelete) =>
    steps.filter(({ change }) => (change.action === "delete") === isDelete).toSorted(compare),
  );
  return [...(others ?? []), ...(deletes ?? []).toReversed()];
}

function planOf(source: string, steps: readonly Step[]): Plan {
  const changes = steps.map(({ change }) => change);
  const base = Object.fromEntries(steps.map((step) => [objectKey(step.change), step.base]));
  return {
    planVersion: 1,
    source,
    changes,
    base,
    digest: planDigest(
      source,
      base,
      steps.map(({ change, specHash }) => ({ change, specHash })),
    ),
  };
}

/** The digest of a plan; specs go into it by their hashes. */
export function planDigest(
  source: string,
  base: Plan["base"],
  steps: readonly { readonly change: PlannedChange; readonly specHash: string }[],
): string {
  const told = steps.map(({ change, specHash }) => {
    const { object, ...rest } = change;
    if (object === undefined) return rest;
    return { ...rest, labels: object.labels, annotations: object.annotations, specHash };
  });
  return canonicalHash({ source, base, told } as unknown as Json);
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

function plannedObject({ labels, annotations, spec }: ManifestObject): PlannedObject {
  return { labels, annotations, spec: spec as unknown as Json };
}

function waveNotes(annotations: Readonly<Record<string, string>>): readonly string[] {
  const wave = annotations[SYNC_WAVE_ANNOTATION];
  return wave === undefined || isWave(wave)
    ? []
    : [`${SYNC_WAVE_ANNOTATION} "${wave}" is not a whole number and counts as 0`];
}

function withNotes(change: PlannedChange, notes: readonly string[]): PlannedChange {
  return notes.length === 0 ? change : { ...change, notes };
}
