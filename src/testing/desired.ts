import type { JsonObject } from "../lib/json.ts";
import type { ApplyRequest, DesiredObject } from "../reconcile/contract.ts";

/** An object as a client sends it; of kind Agent unless told. */
export function desired(
  name: string,
  spec: JsonObject = { description: name },
  more: Partial<DesiredObject> = {},
): DesiredObject {
  const key = { kind: "Agent", namespace: "default", name };
  const origin = { file: `/agents.d/${name}.yaml`, root: "/agents.d", document: 0 };
  return { ...key, labels: {}, annotations: {}, spec, origin, ...more };
}

/** An apply of a source that prunes. */
export function applyOf(
  objects: readonly DesiredObject[],
  more: Partial<ApplyRequest> = {},
): ApplyRequest {
  return { objects, source: "s", manager: "m", digest: "d", prune: true, ...more };
}
