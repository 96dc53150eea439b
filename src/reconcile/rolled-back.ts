import { canonicalHash } from "../lib/hash.ts";
import type { Json } from "../lib/json.ts";
import { withDefaults } from "../manifest/defaults.ts";
import { isKind } from "../manifest/kinds.ts";
import type { Resource } from "../state/resource.ts";
import type { DesiredObject } from "./contract.ts";

/** Holds the hash of the spec that somebody went back from: until its source declares another one, the rollback stands. */
export const ROLLED_BACK_ANNOTATION = "legion.dev/rolled-back-from";

type Annotations = Resource["annotations"];

/** The annotations of an object that goes back to an earlier spec. Back at what is declared, it is marked no more. */
export function markRolledBack({ annotations, spec }: Resource, earlier: Json): Annotations {
  const from = annotations[ROLLED_BACK_ANNOTATION] ?? canonicalHash(spec);
  if (canonicalHash(earlier) === from) return withoutMark(annotations);
  return { ...annotations, [ROLLED_BACK_ANNOTATION]: from };
}

/** Whether a source still declares what was rolled back on purpose. */
export function isRolledBack({ kind, spec, complete }: DesiredObject, live: Resource): boolean {
  const from = live.annotations[ROLLED_BACK_ANNOTATION];
  if (from === undefined) return false;
  const declared = complete ?? (isKind(kind) ? withDefaults(kind, { spec }).spec : spec);
  return canonicalHash(declared as Json) === from;
}

export function withoutMark(annotations: Annotations): Annotations {
  if (annotations[ROLLED_BACK_ANNOTATION] === undefined) return annotations;
  const { [ROLLED_BACK_ANNOTATION]: _, ...rest } = annotations;
  return rest;
}
