import { keyText, type Resource, type ResourceKey } from "../state/resource.ts";
import { type StatusChanger, statusOf } from "./conditions.ts";
import type { WorkOutcome } from "./queue.ts";
import type { ReconcileContext, Reconciler, Verdict } from "./reconciler.ts";
import type { ReferenceIndex } from "./references.ts";
import type { StatusWriter } from "./status-writer.ts";
import { statusAfter, verdictOfError } from "./verdict.ts";

/** What looking at an object needs. */
export interface WorkDeps {
  readonly references: ReferenceIndex;
  readonly writer: Pick<StatusWriter, "write">;
  readonly context: ReconcileContext;
  readonly now: () => number;
  /** Told of every failure. */
  readonly fail: (error: unknown, subject: string) => void;
}

/** One look at one object: what its reconciler finds goes into its status, and how it ended to the queue. */
export async function work(
  reconciler: Reconciler,
  key: ResourceKey,
  deps: WorkDeps,
): Promise<WorkOutcome> {
  const { view } = deps.context;
  const resource = view.get(key);
  const judged = await judge(reconciler, key, resource, deps);
  const { verdict } = judged;
  if (verdict === "done") {
    const { finalizer } = reconciler;
    if (resource !== undefined && finalizer !== undefined)
      deps.writer.write({ type: "finalize", key, finalizer });
    return { type: "done" };
  }
  if (verdict === undefined) return { type: "done" };
  if (resource !== undefined)
    deps.writer.write({ type: "status", key, change: says(verdict, resource, deps) });
  if (judged.isFailure) return { type: "retry" };
  const afterMs = verdict.type === "ready" ? undefined : verdict.retryAfterMs;
  return afterMs === undefined ? { type: "done" } : { type: "again", afterMs };
}

interface Judged {
  readonly verdict: Verdict | "done" | undefined;
  readonly isFailure?: boolean;
}

async function judge(
  reconciler: Reconciler,
  key: ResourceKey,
  resource: Resource | undefined,
  deps: WorkDeps,
): Promise<Judged> {
  try {
    return { verdict: await look(reconciler, key, resource, deps) };
  } catch (error) {
    deps.fail(error, keyText(key));
    return { verdict: verdictOfError(error), isFailure: true };
  }
}

async function look(
  reconciler: Reconciler,
  key: ResourceKey,
  resource: Resource | undefined,
  { references, context }: WorkDeps,
): Promise<Verdict | "done" | undefined> {
  const isStaying = resource !== undefined && resource.deletionTimestamp === undefined;
  const found = isStaying ? reconciler.references?.(resource, context.view) : undefined;
  // What changes while they are found out is looked at with them, since the view is read anew after that.
  references.set(keyText(key), (found instanceof Promise ? await found : found) ?? []);
  if (resource === undefined) return reconciler.removed?.(key, context);
  if (isStaying) return reconciler.reconcile(resource, context);
  const { finalizer } = reconciler;
  const isOurs = finalizer !== undefined && resource.finalizers.includes(finalizer);
  return isOurs ? reconciler.finalize?.(resource, context) : undefined;
}

/** What was found out is said of the generation that was looked at, and of no other object of the same name. */
function says(verdict: Verdict, { uid, generation }: Resource, { now }: WorkDeps): StatusChanger {
  return (resource) =>
    resource.uid === uid ? statusAfter(statusOf(resource), verdict, generation, now()) : undefined;
}
