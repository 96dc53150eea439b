import { keyText, type Resource } from "../state/resource.ts";
import { type LabelSelector, parseSelector, selects } from "../state/selector.ts";
import type { Store, StoreEvent } from "../state/store.ts";
import { apiObjectOf } from "./api-object.ts";
import type { ObjectEvent, ObjectQuery } from "./contract.ts";

/** Whether an object is one of those that a query asks for. */
export type Matches = (resource: Resource) => boolean;

/** The test that a query comes to. LEG7040 when its selector cannot be read. */
export function matcherOf({ kind, namespace, name, selector }: ObjectQuery): Matches {
  const labels: LabelSelector = selector === undefined ? [] : parseSelector(selector);
  return (resource) =>
    (kind === undefined || resource.kind === kind) &&
    (namespace === undefined || resource.namespace === namespace) &&
    (name === undefined || resource.name === name) &&
    selects(labels, resource.labels);
}

/**
 * The changes of the objects that match. An object whose labels stop to match is told as deleted, one whose labels begin to
 * match as added, as if the others did not exist.
 */
export async function* watchObjects(
  store: Store,
  since: number,
  query: ObjectQuery,
  signal: AbortSignal,
): AsyncGenerator<ObjectEvent, void, undefined> {
  const matches = matcherOf(query);
  const seen = query.selector === undefined ? undefined : await createSeen(store, query, matches);
  for await (const event of store.watch(since, signal)) {
    const type = seen === undefined ? plainType(event, matches) : seen.typeOf(event);
    if (type === undefined) continue;
    yield { type, version: event.version, object: apiObjectOf(event.resource) };
  }
}

function plainType({ type, resource }: StoreEvent, matches: Matches) {
  return matches(resource) ? type : undefined;
}

/** Remembers which objects the reader of a watch knows. */
async function createSeen(store: Store, query: ObjectQuery, matches: Matches) {
  const known = new Set<string>();
  for (const resource of await store.list()) if (matches(resource)) known.add(keyText(resource));
  const listedAt = await store.version();
  const { selector: _, ...rest } = query;
  const couldMatch = matcherOf(rest);
  return {
    typeOf({ type, version, resource }: StoreEvent): ObjectEvent["type"] | undefined {
      if (!couldMatch(resource)) return undefined;
      const key = keyText(resource);
      // Of what happened before the list nobody knows whether the reader saw it match, so it is told that it is gone.
      const wasKnown = known.has(key) || version <= listedAt;
      if (type === "deleted" || !matches(resource)) {
        known.delete(key);
        return wasKnown ? "deleted" : undefined;
      }
      known.add(key);
      return wasKnown ? type : "added";
    },
  };
}
