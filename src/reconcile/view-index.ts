import { compareKeys, type Resource, type ResourceKey } from "../state/resource.ts";

/** Objects by key, of one kind, and of one kind in one namespace; each step costs the same however many there are. */
export interface ResourceIndex {
  readonly size: number;
  get(key: ResourceKey): Resource | undefined;
  /** Sorted by namespace and name. */
  ofKind(kind: string, namespace?: string): Resource[];
  all(): Generator<Resource, void, undefined>;
  set(resource: Resource): void;
  delete(key: ResourceKey): void;
}

/** An empty index. */
export function createResourceIndex(): ResourceIndex {
  const kinds = new Map<string, Map<string, Map<string, Resource>>>();
  let size = 0;
  const names = ({ kind, namespace }: ResourceKey) => kinds.get(kind)?.get(namespace);
  return {
    get size() {
      return size;
    },
    get: (key) => names(key)?.get(key.name),
    ofKind(kind, namespace) {
      const namespaces = kinds.get(kind);
      const chosen =
        namespace === undefined
          ? [...(namespaces?.values() ?? [])]
          : [namespaces?.get(namespace) ?? new Map<string, Resource>()];
      return chosen.flatMap((resources) => [...resources.values()]).sort(compareKeys);
    },
    *all() {
      for (const namespaces of kinds.values())
        for (const resources of namespaces.values()) yield* resources.values();
    },
    set(resource) {
      const { kind, namespace, name } = resource;
      const namespaces = entry(kinds, kind, () => new Map());
      const resources = entry(namespaces, namespace, () => new Map());
      if (!resources.has(name)) size += 1;
      resources.set(name, resource);
    },
    delete(key) {
      if (names(key)?.delete(key.name) === true) size -= 1;
    },
  };
}

/** The value of a key, made when there is none. */
export function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
