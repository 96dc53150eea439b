import type { ApiObject, Condition, ConditionType } from "../reconcile/contract.ts";
import { keyText } from "../state/resource.ts";

/** How an object stands, of the generation that its manifest has now. */
export interface Readiness {
  readonly state: "ready" | "stalled" | "waiting";
  /** `Running`, `ToolMissing`; one word. */
  readonly reason: string;
  readonly message: string;
}

/** The statement of that type, whatever generation it is about. */
export function conditionOf(object: ApiObject, type: ConditionType): Condition | undefined {
  return object.status.conditions?.find((condition) => condition.type === type);
}

/** Judges an object by the statements about its present generation; what was said about an earlier one does not count. */
export function readinessOf(object: ApiObject): Readiness {
  const { generation, deletionTimestamp } = object.metadata;
  const current = (type: ConditionType) => {
    const condition = conditionOf(object, type);
    return condition !== undefined && condition.observedGeneration >= generation
      ? condition
      : undefined;
  };
  if (deletionTimestamp !== undefined) {
    const draining = conditionOf(object, "Ready")?.message ?? "it waits for its finalizers";
    return { state: "waiting", reason: "Terminating", message: draining };
  }
  const ready = current("Ready");
  if (ready?.status === "True") return told("ready", ready);
  const stalled = current("Stalled");
  if (stalled?.status === "True") return told("stalled", stalled);
  const said = ready ?? conditionOf(object, "Reconciling");
  return said === undefined
    ? { state: "waiting", reason: "Pending", message: "no reconciler has looked at it yet" }
    : told("waiting", said);
}

/** The statement that the manifest which declares the object is not valid, so that an older generation goes on. */
export function rejectionOf(object: ApiObject): Condition | undefined {
  const accepted = conditionOf(object, "Accepted");
  return accepted?.status === "False" ? accepted : undefined;
}

/** The key of an object as text, `Agent/default/reviewer`. */
export function keyTextOf({ kind, metadata: { namespace, name } }: ApiObject): string {
  return keyText({ kind, namespace, name });
}

function told(state: Readiness["state"], { reason, message }: Condition): Readiness {
  return { state, reason, message };
}
