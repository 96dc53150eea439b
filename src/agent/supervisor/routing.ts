import { MAIN_CONVERSATION } from "../supervision.ts";

export type Routing = "leastBusy" | "random" | "roundRobin";

/** How much a replica has to do. */
export interface ReplicaLoad {
  /** Messages that wait or are being written, and the turn that runs. */
  readonly load: number;
  /** Turns that it has begun. */
  readonly turns: number;
}

/** The conversations that share the messages for an agent, the first one first. */
export function replicaNames(replicas: number): readonly string[] {
  return Array.from({ length: replicas }, (_, index) =>
    index === 0 ? MAIN_CONVERSATION : `${MAIN_CONVERSATION}-${index + 1}`,
  );
}

/** The index of the replica that gets the next message. `sent` is how many were routed before, `random` a number from 0 to below 1. */
export function pickReplica(
  routing: Routing,
  replicas: readonly ReplicaLoad[],
  { sent, random }: { readonly sent: number; readonly random: () => number },
): number {
  if (routing === "random") return Math.floor(random() * replicas.length);
  if (routing === "roundRobin") return sent % replicas.length;
  const isLess = (a: ReplicaLoad, b: ReplicaLoad) =>
    a.load !== b.load ? a.load < b.load : a.turns < b.turns;
  let best = 0;
  for (const [index, replica] of replicas.entries()) {
    const least = replicas[best];
    if (least !== undefined && isLess(replica, least)) best = index;
  }
  return best;
}
