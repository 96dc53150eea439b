import type { ObjectEventRecord } from "../telemetry/events.ts";
import { conditionOf } from "./conditions.ts";
import type { Condition, ObjectStatus } from "./contract.ts";
import { DRAINING, RECONCILE_ERROR } from "./verdict.ts";

type EventData = ObjectEventRecord["data"];

/** The events that a change of status is worth: what became true, and nothing for what stayed. */
export function transitions(before: ObjectStatus, after: ObjectStatus): EventData[] {
  const generation = after.observedGeneration ?? 0;
  const told = [readyEvent, stalledEvent, troubleEvent, waitingEvent];
  const first = told.map((tell) => tell(before, after)).find((event) => event !== undefined);
  return first === undefined ? [] : [{ ...first, generation }];
}

type Tell = (before: ObjectStatus, after: ObjectStatus) => EventData | undefined;

const readyEvent: Tell = (before, after) => {
  const then = conditionOf(before, "Ready");
  const now = conditionOf(after, "Ready");
  if (now?.status !== "True") return undefined;
  const isNews = then?.status !== "True" || then.observedGeneration !== now.observedGeneration;
  return isNews ? { severity: "normal", reason: "Ready", message: now.message } : undefined;
};

const stalledEvent: Tell = (before, after) => {
  const now = conditionOf(after, "Stalled");
  if (now?.status !== "True" || isSame(conditionOf(before, "Stalled"), now)) return undefined;
  return { severity: "warning", reason: "Stalled", message: now.message };
};

const troubleEvent: Tell = (before, after) => {
  const then = conditionOf(before, "Ready");
  const now = conditionOf(after, "Ready");
  if (now?.status !== "False" || conditionOf(after, "Stalled")?.status === "True") return undefined;
  if (now.reason === DRAINING) return undefined;
  const isNews = then?.status === "True" || (now.reason === RECONCILE_ERROR && !isSame(then, now));
  if (!isNews) return undefined;
  const severity = now.reason === RECONCILE_ERROR ? "warning" : "normal";
  return { severity, reason: "NotReady", message: now.message };
};

/** Ready stays as it is while an older generation runs on. */
const waitingEvent: Tell = (before, after) => {
  const then = conditionOf(before, "Reconciling");
  const now = conditionOf(after, "Reconciling");
  const isReady = conditionOf(after, "Ready")?.status === "True";
  if (!isReady || now?.status !== "True" || isSame(then, now)) return undefined;
  return { severity: "normal", reason: "Reconciling", message: now.message };
};

function isSame(then: Condition | undefined, now: Condition): boolean {
  return (
    then?.status === now.status &&
    then.reason === now.reason &&
    then.observedGeneration === now.observedGeneration
  );
}
