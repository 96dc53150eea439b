import type { Resource } from "../state/resource.ts";
import type { ApiObject, ObjectStatus } from "./contract.ts";

/** A resource as people and programs see it; fields in the order in which kubectl has taught people to look for them. */
export function apiObjectOf(resource: Resource): ApiObject {
  const { kind, name, namespace, labels, annotations, uid, generation, resourceVersion } = resource;
  const { creationTimestamp, deletionTimestamp, finalizers, ownerReferences, managers } = resource;
  const { origin, spec, status } = resource;
  return {
    apiVersion: "legion.dev/v1",
    kind,
    metadata: {
      name,
      namespace,
      ...(isFilled(labels) && { labels }),
      ...(isFilled(annotations) && { annotations }),
      uid,
      generation,
      resourceVersion,
      creationTimestamp,
      ...(deletionTimestamp !== undefined && { deletionTimestamp }),
      ...(finalizers.length > 0 && { finalizers }),
      ...(ownerReferences.length > 0 && { ownerReferences }),
      ...(isFilled(managers) && {
        managers: Object.fromEntries(
          Object.entries(managers).map(([manager, owned]) => [manager, owned.length] as const),
        ),
      }),
      ...(origin && { origin }),
    },
    spec,
    status: status as ObjectStatus,
  };
}

function isFilled(map: object): boolean {
  return Object.keys(map).length > 0;
}
