import { LegionError } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import { keyOf, type Resource, type ResourceKey } from "../state/resource.ts";
import type { Store } from "../state/store.ts";

/** How many names an error lists. */
const NAMES_MAX = 20;

/** The object, or LEG6030 with the names that are near. */
export async function existing(store: Store, key: ResourceKey): Promise<Resource> {
  const resource = await store.read(keyOf(key));
  if (resource === undefined) throw await missing(store, key);
  return resource;
}

async function missing(store: Store, { kind, namespace, name }: ResourceKey): Promise<LegionError> {
  const ofKind = await store.list({ kind });
  const names = ofKind.filter((each) => each.namespace === namespace).map((each) => each.name);
  const elsewhere = ofKind.find((each) => each.name === name)?.namespace;
  const near = suggest(name, names);
  const word = kind.toLowerCase();
  return new LegionError({
    code: "LEG6030",
    message: `${word} "${name}" does not exist in namespace ${namespace}`,
    hint:
      near !== undefined
        ? `did you mean "${near}"?`
        : elsewhere !== undefined
          ? `namespace ${elsewhere} has one of that name: add -n ${elsewhere}`
          : `legion get ${word} -A lists what there is`,
    ...(names.length > 0 && names.length <= NAMES_MAX && { valid: names }),
  });
}
