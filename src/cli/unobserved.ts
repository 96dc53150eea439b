import type { ApiObject, Condition } from "../reconcile/contract.ts";
import { stateOf } from "./columns.ts";

/** An object as it may be shown where no daemon runs: what the last one said of it is past, and is told as such. */
export function unobserved(object: ApiObject): ApiObject {
  const { metadata, status } = object;
  const isSeen = (status.conditions ?? []).length > 0;
  const { reason, message } = stateOf(object);
  const said = message === "" ? reason : `${reason}: ${message}`;
  const ready: Condition = {
    type: "Ready",
    status: "Unknown",
    reason: "NoDaemon",
    message: isSeen ? `the last daemon left it as ${said}` : "no daemon has looked at it yet",
    lastTransitionTime: "",
    observedGeneration: metadata.generation,
  };
  return { ...object, status: { ...status, conditions: [ready] } };
}
