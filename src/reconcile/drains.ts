import type { Supervisor } from "../agent/supervision.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { ReconcileContext } from "./reconciler.ts";

/** Drains that are under way: a turn may take minutes, and the hands of the controller must not wait for it. */
export interface Drains {
  /** Drains the loop with that uid, unless that was begun; the agent is looked at again when it has ended. Throws what an earlier try ended with. */
  begin(key: ResourceKey, uid: string, graceMs: number, context: ReconcileContext): void;
}

/** Each drain goes on by itself, once for each loop. */
export function createDrains(supervisor: Pick<Supervisor, "drain">): Drains {
  const running = new Set<string>();
  const failed = new Map<string, unknown>();
  return {
    begin(key, uid, graceMs, context) {
      if (running.has(uid)) return;
      if (failed.has(uid)) {
        const error = failed.get(uid);
        failed.delete(uid);
        throw error;
      }
      running.add(uid);
      supervisor
        .drain(key, graceMs)
        .then(
          (ending) => context.emit(key, eventOf(ending, graceMs)),
          (error: unknown) => void failed.set(uid, error),
        )
        .finally(() => {
          running.delete(uid);
          context.requeue(key);
        });
    },
  };
}

function eventOf(ending: "drained" | "cancelled", graceMs: number) {
  return ending === "drained"
    ? ({ severity: "normal", reason: "Drained", message: "Its loop has ended." } as const)
    : ({
        severity: "warning",
        reason: "Cancelled",
        message: `Its turn went on longer than ${graceMs / 1000} s and was cancelled.`,
      } as const);
}
