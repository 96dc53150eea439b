import { isDeepStrictEqual } from "node:util";
import { LegionError } from "../lib/errors.ts";
import { DEFAULT_NAMESPACE } from "../manifest/loaded.ts";
import type { ApiObject, ObjectEvent, ObjectPlane, ObjectQuery } from "../reconcile/contract.ts";
import { keyText } from "../state/resource.ts";
import { keyOfObject, type Scope, type Targets } from "./references.ts";

/** The query that covers all targets; what else it finds is to be filtered with `isTarget`. */
function watchQuery(targets: Targets, scope: Scope): ObjectQuery {
  if (targets.type === "keys") {
    const [kind, namespace, name] = (["kind", "namespace", "name"] as const).map((part) =>
      theOnly(targets.keys.map((key) => key[part])),
    );
    return {
      ...(kind !== undefined && { kind }),
      ...(namespace !== undefined && { namespace }),
      ...(name !== undefined && { name }),
    };
  }
  const { namespace = DEFAULT_NAMESPACE, allNamespaces, selector } = scope;
  const kind = theOnly(targets.kinds);
  return {
    ...(allNamespaces !== true && { namespace }),
    ...(kind !== undefined && { kind }),
    ...(selector !== undefined && { selector }),
  };
}

/** The value that all have in common. */
function theOnly(values: readonly string[]): string | undefined {
  const [first, ...others] = new Set(values);
  return others.length === 0 ? first : undefined;
}

/** Whether an object that a watch tells of is one of the targets. */
function isTarget(targets: Targets, object: ApiObject): boolean {
  if (targets.type === "kinds") return targets.kinds.includes(object.kind);
  const text = keyText(keyOfObject(object));
  return targets.keys.some((key) => keyText(key) === text);
}

export interface WatchStart {
  readonly items: readonly ApiObject[];
  readonly version: number;
}

/**
 * Every change after what was listed, until the signal is aborted. When the store no longer has the changes since then
 * (LEG6023), it lists again and tells the differences, so that nothing is missed.
 */
export async function* watchTargets(
  plane: ObjectPlane,
  {
    targets,
    scope,
    start,
  }: { readonly targets: Targets; readonly scope: Scope; readonly start: WatchStart },
  signal: AbortSignal,
): AsyncGenerator<ObjectEvent> {
  const query = watchQuery(targets, scope);
  const known = new Map(start.items.map((object) => [textOf(object), object]));
  let { version } = start;
  while (!signal.aborted) {
    try {
      for await (const event of plane.watch(version, query, signal)) {
        version = event.version;
        if (!isTarget(targets, event.object) || isKnown(known, event)) continue;
        remember(known, event);
        yield event;
      }
      return;
    } catch (error) {
      if (!(error instanceof LegionError) || error.code !== "LEG6023") throw error;
    }
    const list = await plane.list(query);
    version = list.version;
    for (const event of differences(
      known,
      list.items.filter((item) => isTarget(targets, item)),
      version,
    )) {
      remember(known, event);
      yield event;
    }
  }
}

function differences(
  known: ReadonlyMap<string, ApiObject>,
  items: readonly ApiObject[],
  version: number,
): readonly ObjectEvent[] {
  const present = new Set(items.map(textOf));
  const gone = [...known.values()].filter((object) => !present.has(textOf(object)));
  const changed = items.flatMap((object): ObjectEvent[] => {
    const before = known.get(textOf(object));
    if (before === undefined) return [{ type: "added", version, object }];
    const isSame = before.metadata.resourceVersion === object.metadata.resourceVersion;
    return isSame ? [] : [{ type: "modified", version, object }];
  });
  return [...gone.map((object) => ({ type: "deleted", version, object }) as const), ...changed];
}

/** What happened around the list may be told again, and was seen in it. */
function isKnown(known: ReadonlyMap<string, ApiObject>, { type, object }: ObjectEvent): boolean {
  return type === "modified" && isDeepStrictEqual(known.get(textOf(object)), object);
}

function remember(known: Map<string, ApiObject>, { type, object }: ObjectEvent): void {
  if (type === "deleted") known.delete(textOf(object));
  else known.set(textOf(object), object);
}

function textOf(object: ApiObject): string {
  return keyText(keyOfObject(object));
}
