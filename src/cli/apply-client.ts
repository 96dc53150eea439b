import type { JsonObject } from "../lib/json.ts";
import { compareOrder } from "../manifest/order.ts";
import type { Declaration } from "../manifest/plan-contract.ts";
import { changedFields } from "../manifest/plan-fields.ts";
import type { ApiObject, AppliedObject, ApplyRequest } from "../reconcile/contract.ts";
import { keyOf, keyText } from "../state/resource.ts";
import { keyTextOf } from "./readiness.ts";

/**
 * What an apply would probably do, compared here with what the store holds (`--dry-run=client`). It asks nobody's leave:
 * conflicts with other managers and pruning are only known to the plane. An object that others manage too is only compared in
 * the fields that are sent.
 */
export function clientOutcomes(
  { objects, manager }: ApplyRequest,
  items: readonly ApiObject[],
): AppliedObject[] {
  const live = new Map(items.map((object) => [keyTextOf(object), object]));
  return objects.toSorted(compareOrder).map((object): AppliedObject => {
    const key = keyOf(object);
    const present = live.get(keyText(object));
    if (present === undefined) return { ...key, outcome: "created", generation: 0 };
    const { generation, deletionTimestamp, managers = {} } = present.metadata;
    if (deletionTimestamp !== undefined) {
      const notes = ["it is being deleted; it is made again once that has ended"];
      return { ...key, outcome: "deferred", generation, notes };
    }
    const isShared = Object.keys(managers).some((name) => name !== manager);
    const spec = isShared ? overlaid(present.spec, object.spec) : (object.complete ?? object.spec);
    const changes = changedFields(declarationOf(present), { ...object, spec });
    return { ...key, outcome: changes.length === 0 ? "unchanged" : "configured", generation };
  });
}

function declarationOf({ kind, metadata, spec }: ApiObject): Declaration {
  const { namespace, name, labels = {}, annotations = {} } = metadata;
  return { kind, namespace, name, labels, annotations, spec };
}

/** The live value with the sent fields in their places; fields that are not sent stay as they are. */
function overlaid(live: JsonObject, sent: JsonObject): JsonObject {
  const merged: JsonObject = { ...live };
  for (const [name, value] of Object.entries(sent)) {
    const before = Object.hasOwn(live, name) ? live[name] : undefined;
    merged[name] = isMap(before) && isMap(value) ? overlaid(before, value) : value;
  }
  return merged;
}

function isMap(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
