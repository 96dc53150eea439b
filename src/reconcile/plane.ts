import type { Clock } from "../lib/clock.ts";
import { validateDocument } from "../manifest/validate.ts";
import { keyOf, type Resource } from "../state/resource.ts";
import type { Fence, Store } from "../state/store.ts";
import { apiObjectOf } from "./api-object.ts";
import { applySet } from "./apply.ts";
import type { Validate } from "./apply-object.ts";
import { applySavedPlan } from "./apply-plan.ts";
import { type PlaneContext, whenSettled } from "./apply-write.ts";
import type { ObjectPlane, ObjectQuery } from "./contract.ts";
import { deleteObjects } from "./plane-delete.ts";
import { editObject } from "./plane-edit.ts";
import { existing } from "./plane-lookup.ts";
import { rollBack } from "./plane-rollback.ts";
import { matcherOf, watchObjects } from "./plane-watch.ts";

export interface ObjectPlaneOptions {
  readonly store: Store;
  /** Its wall time dates what is written. */
  readonly clock: Clock;
  /** Goes with every write: a process that lost the folder changes nothing. */
  readonly fence?: Fence;
  /** No daemon runs on this store: nothing has to be drained, so that a deleted object goes at once. */
  readonly idle: boolean;
  /** What is wrong with a whole object; the schemas of the kinds unless told. */
  readonly validate?: Validate;
}

/** What can be done with the objects of a store. Changes are made one after the other; one that meets an object that moved meanwhile is decided anew. */
export function createObjectPlane(options: ObjectPlaneOptions): ObjectPlane {
  const { store } = options;
  const context: PlaneContext = {
    validate: (document) => validateDocument(document, document),
    ...options,
  };
  const inTurn = createTurns();
  const change = <T>(work: () => Promise<T>): Promise<T> => inTurn(() => whenSettled(work));
  return {
    async list(query) {
      // The version comes first: who watches from it misses nothing, and may see again what the list has already.
      const version = await store.version();
      const items = (await candidates(store, query)).filter(matcherOf(query)).map(apiObjectOf);
      return { items, version };
    },
    async read(key) {
      const resource = await store.read(keyOf(key));
      return resource && apiObjectOf(resource);
    },
    async history(key) {
      await existing(store, key);
      return store.history(keyOf(key));
    },
    watch: (since, query, signal) => watchObjects(store, since, query, signal),
    apply: (request) => change(() => applySet(context, request)),
    applyPlan: (plan, manager) => change(() => applySavedPlan(context, plan, manager)),
    async delete(keys, deleteOptions) {
      const gone = await change(() => deleteObjects(context, keys, deleteOptions));
      return gone.map(apiObjectOf);
    },
    edit: async (key, edit) => apiObjectOf(await change(() => editObject(context, key, edit))),
    rollback: async (key, toGeneration) =>
      apiObjectOf(await change(() => rollBack(context, key, toGeneration))),
  };
}

/** The objects that a query can mean, as cheaply as the store can tell. */
async function candidates(
  store: Store,
  { kind, namespace, name }: ObjectQuery,
): Promise<readonly Resource[]> {
  if (kind === undefined || namespace === undefined || name === undefined) {
    return store.list({
      ...(kind !== undefined && { kind }),
      ...(namespace !== undefined && { namespace }),
    });
  }
  const resource = await store.read({ kind, namespace, name });
  return resource === undefined ? [] : [resource];
}

/** Runs one piece of work after the other, whatever becomes of each. */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    // What comes of it is for the caller alone, and large.
    last = result.then(
      () => {},
      () => {},
    );
    return result;
  };
}
