import { LegionError } from "../lib/errors.ts";
import type { Resource } from "../state/resource.ts";
import { conditionOf, type Statement, statusOf, withConditions } from "./conditions.ts";
import type { ConditionType, ObjectStatus } from "./contract.ts";
import { type Verdict, waiting } from "./reconciler.ts";

/** The reason of a reconciler that threw. */
export const RECONCILE_ERROR = "ReconcileError";

/** The reason of an object that waits for its end; whoever ends it tells of it. */
export const DRAINING = "Draining";

/** What a reconciler's failure comes to. What is not meant for readers stays in the log. */
export function verdictOfError(error: unknown): Verdict {
  const message =
    error instanceof LegionError
      ? `${sentenceOf(error)} It is tried again by itself.`
      : "An internal error stopped the work on this object; it is tried again by itself, and the log of the daemon tells more.";
  return waiting(RECONCILE_ERROR, message);
}

/** The message of an error and its next step as sentences. */
export function sentenceOf({ message, hint }: Pick<LegionError, "message" | "hint">): string {
  return `${capital(message)}: ${hint}${/[.?!]$/.test(hint) ? "" : "."}`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** The status that a verdict on one generation makes of the present one. The identical status when it says nothing new. */
export function statusAfter(
  status: ObjectStatus,
  verdict: Verdict,
  generation: number,
  now: number,
): ObjectStatus {
  const said = withConditions(status, statements(status, verdict, generation), now);
  return said.observedGeneration === generation
    ? said
    : { observedGeneration: generation, ...without(said) };
}

function without({
  observedGeneration: _,
  ...rest
}: ObjectStatus): Omit<ObjectStatus, "observedGeneration"> {
  return rest;
}

function statements(status: ObjectStatus, verdict: Verdict, generation: number): Statement[] {
  const { type, reason, message } = verdict;
  const say = (
    condition: ConditionType,
    isTrue: boolean,
    why = { reason, message },
  ): Statement => ({
    type: condition,
    status: isTrue ? "True" : "False",
    ...why,
    observedGeneration: generation,
  });
  const keepsReady =
    type === "waiting" && verdict.keepReady === true && conditionOf(status, "Ready") !== undefined;
  return [
    ...(isFirstLook(status, generation) ? [say("Accepted", true, accepted)] : []),
    ...(keepsReady ? [] : [say("Ready", type === "ready")]),
    ...abnormal(status, "Reconciling", type === "waiting").map((on) => say("Reconciling", on)),
    ...abnormal(status, "Stalled", type === "stalled").map((on) => say("Stalled", on)),
  ];
}

const accepted = { reason: "Valid", message: "The manifest is valid." };

/** Whoever reads manifests says what of them is not valid, and it stays; a generation that came later got into the store because it is. */
function isFirstLook(status: ObjectStatus, generation: number): boolean {
  const before = conditionOf(status, "Accepted");
  return before === undefined || before.observedGeneration < generation;
}

/** Conditions that are True only when something is the matter are left out until they first are. */
function abnormal(status: ObjectStatus, type: ConditionType, isTrue: boolean): boolean[] {
  return isTrue || conditionOf(status, type) !== undefined ? [isTrue] : [];
}

/** What others can make of an object: as long as it stays the same, those that refer to it need not look. */
export function standingOf(resource: Resource): string {
  const { uid, generation, deletionTimestamp } = resource;
  if (deletionTimestamp !== undefined) return `${uid} deleting`;
  return `${uid} ${generation} ${settledAs(resource)}`;
}

/** How the reconciler found an object when it last got through with it, which may have been an earlier generation: those that use it do not falter while a newer one is looked at. */
export function settledAs(resource: Resource): "ready" | "stalled" | "pending" {
  const isTrue = (type: ConditionType) => conditionOf(statusOf(resource), type)?.status === "True";
  if (isTrue("Stalled")) return "stalled";
  return isTrue("Ready") ? "ready" : "pending";
}
