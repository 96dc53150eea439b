import type { Clock } from "../lib/clock.ts";
import type { Diagnostic } from "../manifest/diagnostics.ts";
import { isBelow } from "../manifest/discover.ts";
import type { ManifestObject, ManifestSet } from "../manifest/objects.ts";
import { keyOf, keyText, type Resource, type ResourceKey } from "../state/resource.ts";
import type { Fence, Store } from "../state/store.ts";
import type { EmitObject } from "../telemetry/events.ts";
import { patchStatus, withCondition } from "./conditions.ts";
import type { ApplyReport, DesiredObject, ObjectPlane, ObjectStatus } from "./contract.ts";
import { keptObjects, withKeptErrors } from "./source-kept.ts";
import type { View } from "./view.ts";

/** What a source found at one moment. */
export interface FoundSet {
  readonly set: ManifestSet;
  /** Files that are still being written: what they declared stays. */
  readonly unsettled?: readonly string[];
  /** Folders that cannot be trusted to be whole: what was declared below them stays. */
  readonly held?: readonly string[];
  readonly revision?: string;
  /** Look also at objects that are known to be as they were applied: somebody else may have changed them. */
  readonly isForced?: boolean;
}

export interface SourceSetDeps {
  /** `roots`, `source/NAME`: field manager, origin and inventory. */
  readonly source: string;
  readonly plane: Pick<ObjectPlane, "apply">;
  readonly store: Store;
  readonly view: View;
  readonly clock: Clock;
  readonly fence: Fence;
  readonly emit: EmitObject;
  /** The path under which a file is reached later; as it is unless told otherwise. */
  readonly pathOf?: (file: string) => string;
}

/** Applies what one source finds, again and again. */
export interface SourceSetApplier {
  /** Makes the store say what the set declares, in one transaction, and marks what is not valid. */
  apply(found: FoundSet, prune: boolean): Promise<ApplyReport>;
  /** The set with errors for files that declared something before and hold no manifest now: for readers, before it is applied. */
  withKept(set: ManifestSet): ManifestSet;
  /** Whether an object that is gone is declared: it had to go before this one's can be made, or belonged to another source that declared it too. */
  isDeferred(gone: Resource): boolean;
}

/** Applies the sets of one source and remembers what it applied, so that the cost grows with what changed. */
export function createSourceSetApplier(deps: SourceSetDeps): SourceSetApplier {
  const { source, plane, view, pathOf = asItIs } = deps;
  const told = new Map<string, string>();
  let applied = new Set<ManifestObject>();
  let deferred: ReadonlySet<string> = new Set();
  let declared: ReadonlySet<string> = new Set();

  return {
    isDeferred(gone) {
      const key = keyText(gone);
      return deferred.has(key) || (gone.origin?.source !== source && declared.has(key));
    },
    withKept: (set) => withKeptErrors(set, view, source, pathOf),
    async apply({ set, unsettled = [], held = [], revision, isForced = false }, prune) {
      // What somebody else changed since stays until the source is read with force, or declares something else.
      const isKnown = (object: ManifestObject) =>
        !isForced && applied.has(object) && isStaying(view.get(object));
      const { known = [], changed = [] } = Object.groupBy(set.objects, (object) =>
        isKnown(object) ? "known" : "changed",
      );
      const taken = changed.flatMap((object) => takeOver(view.get(object), deps) ?? []);
      const report = await plane.apply({
        objects: changed.map((object) => desiredOf(object, pathOf)),
        unchanged: known.map(keyOf),
        source,
        manager: source,
        force: true,
        claim: true,
        prune,
        allowEmpty: false,
        declaredInvalid: set.invalid.map(({ declares }) => declares),
        unreadFiles: [
          ...unsettled,
          ...set.unclear.map(({ file }) => pathOf(file)),
          ...filesBelow(view, source, held),
        ],
        digest: set.digest,
        ...(revision !== undefined && { revision }),
      });
      await view.reached(report.version);
      for (const tell of taken) tell();
      applied = new Set(set.objects);
      declared = new Set(set.objects.map(keyText));
      const waiting = report.objects.filter(({ outcome }) => outcome === "deferred");
      deferred = new Set(waiting.map(keyText));
      const rejections = rejectionsOf(set, deps);
      await markRejected(rejections, told, deps);
      await markAccepted(declared, rejections, told, deps);
      return report;
    },
  };
}

/** Two who declare one object take it from each other at each forced reading: whoever runs them should know. */
function takeOver(live: Resource | undefined, { source, emit }: SourceSetDeps) {
  const before = live?.origin?.source;
  if (live === undefined || before === undefined || before === source) return undefined;
  const message = `${source} declares it from now on; ${before} did before. Let one of them declare it`;
  return () => void emit(keyText(live), { severity: "warning", reason: "TakenOver", message });
}

/** What is being deleted is as good as gone: it is to be made again. */
function isStaying(resource: Resource | undefined): boolean {
  return resource !== undefined && resource.deletionTimestamp === undefined;
}

function asItIs(file: string): string {
  return file;
}

function desiredOf(object: ManifestObject, pathOf: (file: string) => string): DesiredObject {
  const { kind, namespace, name, labels, annotations, sent, spec, source } = object;
  return {
    ...{ kind, namespace, name, labels, annotations },
    spec: sent,
    complete: spec as unknown as DesiredObject["complete"] & object,
    origin: {
      file: pathOf(source.file),
      document: source.document,
      root: pathOf(source.root),
    },
  };
}

/** The files below folders that hold something of this source. */
function filesBelow(view: View, source: string, folders: readonly string[]): readonly string[] {
  if (folders.length === 0) return [];
  const files = view
    .all()
    .flatMap(({ origin }) => (origin?.source === source ? [origin.file] : []))
    .filter((file) => folders.some((folder) => isBelow(file, folder)));
  return [...new Set(files)];
}

/** What is declared and not valid, and what is declared in files that do not tell it now, each with a sentence about the first error. */
function rejectionsOf(
  set: ManifestSet,
  { view, source, pathOf = asItIs }: SourceSetDeps,
): ReadonlyMap<string, Rejection> {
  const hidden = keptObjects(set, view, source, pathOf).map(({ resource, file }) => ({
    key: keyOf(resource),
    message: sentenceOf(file.diagnostics),
  }));
  const invalid = set.invalid.map(({ declares, diagnostics }) => ({
    key: declares,
    message: sentenceOf(diagnostics),
  }));
  // Declared twice it is told once.
  return new Map([...invalid, ...hidden].toReversed().map((one) => [keyText(one.key), one]));
}

interface Rejection {
  readonly key: ResourceKey;
  readonly message: string;
}

/** An object whose manifest broke keeps its generation, and its status says where the manifest is wrong. Told once for each way of being broken. */
async function markRejected(
  rejections: ReadonlyMap<string, Rejection>,
  told: Map<string, string>,
  deps: SourceSetDeps,
): Promise<void> {
  for (const [text, { key, message }] of rejections) {
    if (told.get(text) === message) continue;
    told.set(text, message);
    deps.emit(text, { severity: "warning", reason: "Rejected", message });
    if (deps.view.get(key) !== undefined) await setAccepted(key, message, deps);
  }
}

/** An object whose manifest is right again without having changed: a reconciler would not look at it. */
async function markAccepted(
  declared: ReadonlySet<string>,
  rejections: ReadonlyMap<string, Rejection>,
  told: Map<string, string>,
  deps: SourceSetDeps,
): Promise<void> {
  const gone = [...told.keys()].filter((key) => !rejections.has(key));
  for (const key of gone) told.delete(key);
  const rejected = deps.view
    .all()
    .filter((resource) => resource.origin?.source === deps.source && isRejected(resource));
  for (const resource of rejected) {
    if (!declared.has(keyText(resource))) continue;
    await setAccepted(resource, undefined, deps);
    const message = "the manifest is valid again";
    deps.emit(keyText(resource), { severity: "normal", reason: "Accepted", message });
  }
}

function isRejected({ status }: Resource): boolean {
  const { conditions = [] } = status as ObjectStatus;
  return conditions.some(({ type, status: is }) => type === "Accepted" && is === "False");
}

async function setAccepted(
  key: ResourceKey,
  rejection: string | undefined,
  { store, clock, fence }: SourceSetDeps,
): Promise<void> {
  const at = clock.now();
  await patchStatus(
    store,
    keyOf(key),
    (resource) =>
      withCondition(
        resource.status as ObjectStatus,
        {
          type: "Accepted",
          status: rejection === undefined ? "True" : "False",
          reason: rejection === undefined ? "Valid" : "Invalid",
          message: rejection ?? "the manifest is valid",
          observedGeneration: resource.generation,
        },
        at,
      ),
    { fence, at },
  );
}

/** The first diagnostic as a sentence that begins with file:line:col, and how many more there are. */
export function sentenceOf(diagnostics: readonly Diagnostic[]): string {
  const [first, ...others] = diagnostics.filter(({ severity }) => severity === "error");
  if (first === undefined) return "the manifest is not valid";
  const { code, summary, range, filename } = first;
  const place =
    range === undefined ? filename : `${range.filename}:${range.start.line}:${range.start.column}`;
  const more = others.length;
  return `${place}: ${code}: ${summary}${more > 0 ? `, and ${more} more` : ""}`;
}
