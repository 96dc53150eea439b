import type { Drained, LoopState, Supervisor } from "../agent/supervision.ts";
import { formatDuration } from "../lib/quantities.ts";
import { count } from "../lib/text.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { ObjectEventRecord } from "../telemetry/events.ts";
import type { ReconcileContext } from "./reconciler.ts";

type EventData = ObjectEventRecord["data"];

/** Drains that are under way: a turn may take minutes, and the hands of the controller must not wait for it. */
export interface Drains {
  /** Drains that loop, unless that was begun; the agent is looked at again when it has ended. Throws what an earlier try ended with. */
  begin(key: ResourceKey, loop: LoopState, graceMs: number, context: ReconcileContext): void;
}

/** Each drain goes on by itself, once for each loop. */
export function createDrains(supervisor: Pick<Supervisor, "drain">): Drains {
  const running = new Set<string>();
  const failed = new Map<string, unknown>();
  return {
    begin(key, loop, graceMs, context) {
      const { uid } = loop;
      if (running.has(uid)) return;
      if (failed.has(uid)) {
        const error = failed.get(uid);
        failed.delete(uid);
        throw error;
      }
      running.add(uid);
      const tell = (event: EventData) => context.emit(key, { ...event, uid });
      if (hasWork(loop)) tell(terminating(loop, graceMs));
      supervisor
        .drain(key, graceMs)
        .then(
          (drained) => endings(drained, graceMs).forEach(tell),
          (error: unknown) => void failed.set(uid, error),
        )
        .finally(() => {
          running.delete(uid);
          context.requeue(key);
        });
    },
  };
}

/** What is said of an agent whose loop has not ended yet. */
export function drainingText(loop: LoopState): string {
  return hasWork(loop)
    ? "It answers what it has taken within the grace time; no more messages are taken."
    : "Its loop ends; no more messages are taken.";
}

function hasWork({ turn, queued }: LoopState): boolean {
  return turn !== undefined || queued > 0;
}

function terminating({ turn, queued }: LoopState, graceMs: number): EventData {
  const work = [
    ...(turn === undefined ? [] : ["a turn that runs"]),
    ...(queued === 0
      ? []
      : [`${count(queued, "message")} that ${queued === 1 ? "waits" : "wait"}`]),
  ];
  const message = `It takes no more messages, and has ${formatDuration(graceMs)} for ${work.join(" and ")}.`;
  return { severity: "normal", reason: "Terminating", message };
}

function endings({ isCancelled, dropped }: Drained, graceMs: number): readonly EventData[] {
  const were = dropped === 1 ? "was" : "were";
  return [
    ...(dropped === 0
      ? []
      : [
          {
            severity: "warning",
            reason: "MessagesDropped",
            message: `${count(dropped, "waiting message")} ${were} not answered.`,
          } as const,
        ]),
    isCancelled
      ? {
          severity: "warning",
          reason: "Cancelled",
          message: `Its turn went on longer than ${formatDuration(graceMs)} and was cancelled.`,
        }
      : { severity: "normal", reason: "Drained", message: "Its loop has ended." },
  ];
}
