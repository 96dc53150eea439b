import { textHash } from "../lib/hash.ts";
import { schemas } from "../manifest/generated/schemas.ts";
import { compareOrder } from "../manifest/order.ts";
import { planSteps, type Step, waveNotes } from "../manifest/plan.ts";
import type { DesiredDeclaration, LiveObject } from "../manifest/plan-contract.ts";
import { keyOf, keyText, type Resource } from "../state/resource.ts";
import type { ObjectMark, SettledChange, Store } from "../state/store.ts";
import type { Standing } from "./apply-inventory.ts";
import { completeSpec, isSettled } from "./apply-object.ts";
import type { AppliedObject, ApplyRequest, DesiredObject } from "./contract.ts";

/** Smaller requests are compared with what is there, which costs next to nothing then. */
const OBJECTS_MIN = 500;
/** Grows when the same request comes to something else than before. */
const FORM = 1;

/**
 * What names a whole request: two of one digest ask for the same. Undefined for one that is not to be remembered: a small
 * one, one that does not tell of all objects what they are to be, one of a source that remembers by itself what it applied.
 */
export function requestDigest(request: ApplyRequest): string | undefined {
  const { objects, unchanged = [], declaredInvalid = [], unreadFiles = [] } = request;
  const isPartial = unchanged.length + declaredInvalid.length + unreadFiles.length > 0;
  if (objects.length <= OBJECTS_MIN || isPartial || request.claim === true) return undefined;
  const { source, manager, force = false } = request;
  return textHash(JSON.stringify([FORM, source, manager, force, objects.map(lineOf)]));
}

let schemasHash: string | undefined;

/** What names the defaults that come in where an object does not bring its own. */
function defaultsName(): string {
  schemasHash ??= textHash(JSON.stringify(schemas));
  return schemasHash;
}

function lineOf(object: DesiredObject): readonly unknown[] {
  const { kind, namespace, name, labels, annotations, spec, complete, origin, hash } = object;
  const { file, root, document } = origin ?? {};
  const content = hash ?? textHash(JSON.stringify([spec, complete ?? defaultsName()]));
  return [kind, namespace, name, labels, annotations, content, file, root, document];
}

/** What an apply that finds everything as it is to be tells. */
export interface SettledSet {
  readonly objects: readonly AppliedObject[];
  /** The plan that changes nothing; made when somebody asks for it. */
  steps(): readonly Step[];
}

/**
 * What becomes of a request that the store still says to the letter, without a look at what it says: the source settled the
 * same request before, and none of its objects was changed since, by nobody and in nothing but the status. Undefined when
 * it has to be compared.
 */
export async function settledSet(
  store: Store,
  { objects, source }: ApplyRequest,
  digest: string | undefined,
  { left }: Standing,
): Promise<SettledSet | undefined> {
  if (digest === undefined || left.length > 0) return undefined;
  const marks = new Map<string, ObjectMark>();
  for (const mark of await store.unmoved(source, digest)) marks.set(keyText(mark), mark);
  const markOf = (object: DesiredObject) => marks.get(keyText(object));
  const told: AppliedObject[] = [];
  for (const object of objects.toSorted(compareOrder)) {
    const mark = markOf(object);
    if (mark === undefined) return undefined;
    const notes = waveNotes(object.annotations);
    const { generation } = mark;
    const outcome = {
      outcome: "unchanged",
      generation,
      ...(notes.length > 0 && { notes }),
    } as const;
    told.push({ ...keyOf(object), ...outcome });
  }
  return {
    objects: told,
    steps() {
      const live = objects.flatMap((object) => liveFrom(object, markOf(object)));
      return planSteps({ source, desired: live, live, prune: false });
    },
  };
}

/** An object that is there just as it was sent. */
function liveFrom(
  object: DesiredObject,
  mark: ObjectMark | undefined,
): readonly (LiveObject & DesiredDeclaration)[] {
  if (mark === undefined) return [];
  const { labels, annotations } = object;
  return [{ ...mark, labels, annotations, spec: completeSpec(object) }];
}

/** The change that remembers a request, when its apply leaves every object as it was sent. */
export function settledChange(
  { objects, source, manager }: ApplyRequest,
  request: string | undefined,
  desired: readonly DesiredDeclaration[],
  live: ReadonlyMap<string, Resource>,
): SettledChange | undefined {
  if (request === undefined) return undefined;
  const isWhole = objects.every((object, index) => {
    const declaration = desired[index];
    return declaration && isSettled(object, declaration, live.get(keyText(object)), manager);
  });
  return isWhole ? { type: "settled", source, request } : undefined;
}
