import path from "node:path";
import { canonicalHash } from "../lib/hash.ts";
import type { Json } from "../lib/json.ts";
import { shownPath } from "../manifest/discover.ts";
import type { Kind, ManifestObject, ObjectSource, Specs } from "../manifest/objects.ts";
import type { Resource } from "../state/resource.ts";

/** Where objects are taken to stand. */
export interface Place {
  /** The folder that paths are shown relative to. */
  readonly cwd: string;
  /** The folder that files of objects which no file declares cannot leave; `cwd` unless told. */
  readonly root?: string;
}

/** An object of the store as those who work with manifests see it; the hash of its spec is computed when somebody asks for it. */
export function manifestObjectOf<K extends Kind = Kind>(
  resource: Resource,
  place: Place,
): ManifestObject<K> {
  const { name, namespace, labels, annotations, spec } = resource;
  let hash: string | undefined;
  return {
    kind: resource.kind as K,
    name,
    namespace,
    labels,
    annotations,
    spec: spec as unknown as Specs[K],
    // The store has the whole spec; what of it was written is seen from its managers.
    sent: spec,
    source: sourceOf(resource, place),
    get specHash() {
      hash ??= canonicalHash(spec as Json);
      return hash;
    },
  };
}

/** An object that a client sent may stand in no file: what it is relative to is the folder that it cannot leave. */
function sourceOf({ kind, namespace, name, origin }: Resource, place: Place): ObjectSource {
  if (origin !== undefined && origin.file !== "") {
    const { file, document, root = path.dirname(file) } = origin;
    return { file, shown: shownPath(file, place.cwd), document, root };
  }
  const root = place.root ?? place.cwd;
  const shown = `${kind.toLowerCase()}/${name} in ${namespace}`;
  return { file: path.join(root, `${kind.toLowerCase()}-${name}`), shown, document: 0, root };
}
