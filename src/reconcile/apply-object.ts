import { isObject, type JsonObject } from "../lib/json.ts";
import { withDefaults } from "../manifest/defaults.ts";
import { isKind } from "../manifest/kinds.ts";
import type { DesiredDeclaration } from "../manifest/plan-contract.ts";
import type { ValueFault } from "../manifest/validate.ts";
import { type FieldConflict, mergeManaged } from "../state/managed.ts";
import { deeperThan } from "../state/object-steps.ts";
import { keyOf, keyText, type Managers, type Origin, type Resource } from "../state/resource.ts";
import { RESOURCE_DEPTH_MAX } from "../state/store.ts";
import { tooLarge } from "../state/store-errors.ts";
import { areLeavesOf, sameJson } from "./apply-compare.ts";
import { withItemDefaults, withoutDefaults } from "./apply-defaults.ts";
import { badRequest } from "./apply-errors.ts";
import type { ApplyRequest, DesiredObject } from "./contract.ts";
import { isRolledBack, withoutMark } from "./rolled-back.ts";

/** What is wrong with a whole object, `{apiVersion, kind, metadata, spec}`. */
export type Validate = (document: JsonObject) => readonly ValueFault[];

/** What an object that was sent comes to beside the one that is there: what it is to be, or why it cannot be. */
export type Wanted =
  | { readonly declaration: DesiredDeclaration }
  | { readonly conflicts: readonly FieldConflict[] }
  | { readonly faults: readonly ValueFault[] };

type Applier = Pick<ApplyRequest, "source" | "manager" | "force" | "claim">;

/** Merges an object that was sent into the one that is there, fills in defaults, and validates the outcome. Does nothing. */
export function wantedOf(
  object: DesiredObject,
  live: Resource | undefined,
  applier: Applier,
  validate: Validate,
): Wanted {
  if (deeperThan(object.spec, RESOURCE_DEPTH_MAX - 1)) {
    throw tooLarge(`${keyText(object)} has too many levels`, `${RESOURCE_DEPTH_MAX}`);
  }
  if (!isShaped(object)) return { faults: malformed(object, validate) };
  const present = live?.deletionTimestamp === undefined ? live : undefined;
  if (present !== undefined && applier.claim === true && isRolledBack(object, present)) {
    // Its labels and annotations are declared all the same.
    const spec = withoutDefaults(object.kind, present.spec, present.managers);
    return merged({ ...object, spec }, present, applier, validate, present.annotations);
  }
  if (present !== undefined && isAsSent(object, present, applier.manager)) {
    return { declaration: recorded(present, present.managers, object, present, applier) };
  }
  return merged(object, present, applier, validate);
}

/** Something is wrong for sure; when the schema does not say what, it is a part that is missing. */
function malformed(object: DesiredObject, validate: Validate): readonly ValueFault[] {
  const faults = validate(documentOf(object));
  if (faults.length > 0) return faults;
  throw badRequest(
    `${keyText(object)} lacks labels, annotations or spec`,
    "send all three; each may be an empty map",
  );
}

function merged(
  object: DesiredObject,
  live: Resource | undefined,
  applier: Applier,
  validate: Validate,
  before = withoutMark(live?.annotations ?? {}),
): Wanted {
  const { kind, labels, annotations } = object;
  const { manager, force = false } = applier;
  const base = live && {
    ...live,
    annotations: before,
    spec: withoutDefaults(kind, live.spec, live.managers),
  };
  const sent = { spec: withItemDefaults(kind, object.spec), labels, annotations };
  const result = mergeManaged(base, sent, manager, { force });
  if (result.conflicts !== undefined) return { conflicts: result.conflicts };
  const document = documentOf({ ...keyOf(object), ...result.merged });
  // Before defaults: a schema may refuse a field beside another one that has a default all the same.
  const faults = validate(document);
  if (faults.length > 0) return { faults };
  const complete = isKind(kind) ? withDefaults(kind, document) : document;
  const fields = { ...keyOf(object), ...result.merged, spec: complete.spec as JsonObject };
  return { declaration: recorded(fields, result.managers, object, live, applier) };
}

type Fields = Pick<Resource, "kind" | "namespace" | "name" | "labels" | "annotations" | "spec">;

/** The declaration with its owners and its origin. An object that is as it was stays with the source that it came from, unless it is claimed. */
function recorded(
  fields: Fields,
  managers: Managers,
  object: DesiredObject,
  live: Resource | undefined,
  { source, claim = false }: Applier,
): DesiredDeclaration {
  const stays = !claim && live !== undefined && live.origin?.source !== source;
  const origin = stays && isSameObject(fields, live) ? live.origin : originOf(object, live, source);
  const isRecordStale =
    live !== undefined && !(sameJson(live.managers, managers) && sameJson(live.origin, origin));
  if (fields === live && !isRecordStale) return live;
  const { labels, annotations, spec } = fields;
  const record = { managers, ...(origin && { origin }), isRecordStale };
  return { ...keyOf(fields), labels, annotations, spec, ...record };
}

function originOf({ origin }: DesiredObject, live: Resource | undefined, source: string): Origin {
  if (origin !== undefined) {
    const { file, root, document } = origin;
    return { source, file, ...(root !== undefined && { root }), document };
  }
  return live?.origin?.source === source ? live.origin : { source, file: "", document: 0 };
}

/** Whether an apply of the object would change nothing, neither fields nor owners. Most objects of a set are so most of the time, and this is far cheaper than a merge. */
function isAsSent(
  object: DesiredObject,
  live: Pick<DesiredDeclaration, "labels" | "annotations" | "spec" | "managers">,
  manager: string,
): boolean {
  const { labels, annotations, spec } = object;
  return (
    isSameObject({ labels, annotations, spec: completeSpec(object) }, live) &&
    areLeavesOf({ spec, labels, annotations }, live.managers?.[manager] ?? [])
  );
}

/** The spec of an object that was sent, with defaults. */
export function completeSpec({ kind, spec, complete }: DesiredObject): JsonObject {
  return complete ?? ((isKind(kind) ? withDefaults(kind, { spec }).spec : spec) as JsonObject);
}

/** Whether the store, once it says what was made of an object that was sent, says just that: then the same apply again changes nothing. */
export function isSettled(
  object: DesiredObject,
  declaration: DesiredDeclaration,
  live: Resource | undefined,
  manager: string,
): boolean {
  if (live?.deletionTimestamp !== undefined) return false;
  return declaration === live || isAsSent(object, declaration, manager);
}

type Content = Pick<DesiredDeclaration, "labels" | "annotations" | "spec">;

function isSameObject(a: Content, b: Content): boolean {
  return (
    sameJson(a.spec, b.spec) &&
    sameJson(a.labels, b.labels) &&
    sameJson(a.annotations, b.annotations)
  );
}

/** Whether the parts are of the types that a merge needs; clients send what they like. */
function isShaped({ kind, spec, labels, annotations }: DesiredObject): boolean {
  const areTexts = (value: unknown) =>
    isObject(value) && Object.values(value).every((each) => typeof each === "string");
  return isKind(kind) && isObject(spec) && areTexts(labels) && areTexts(annotations);
}

/** The object as a manifest. */
export function documentOf({
  kind,
  namespace,
  name,
  labels,
  annotations,
  spec,
}: Fields): JsonObject {
  return {
    apiVersion: "legion.dev/v1",
    kind,
    metadata: { name, namespace, labels, annotations },
    spec,
  };
}
