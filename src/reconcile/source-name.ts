import { DEFAULT_NAMESPACE } from "../manifest/loaded.ts";
import type { ResourceKey } from "../state/resource.ts";

/** The name under which a Source applies: `source/team`, or `source/NAMESPACE/team`. */
export function sourceName({ namespace, name }: Pick<ResourceKey, "namespace" | "name">): string {
  return namespace === DEFAULT_NAMESPACE ? `source/${name}` : `source/${namespace}/${name}`;
}
