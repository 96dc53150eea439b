import type { JsonObject } from "../../lib/json.ts";
import type { InboxMessage } from "../../state/inbox.ts";
import type { Journal } from "../../state/journal.ts";
import type { TurnResult } from "../contract.ts";

/** The run that a delivery of a message has. */
export interface PastRun {
  readonly key: string;
  /** Of one that has begun and not ended: the turn goes on with it. */
  readonly run?: string;
  /** What that one began with. */
  readonly generation?: number;
  /** Why nothing can go on with it. */
  readonly damage?: string;
}

/**
 * The key of the run that a message is answered by. A run without an end is gone on with, also one of an earlier delivery. One
 * that has ended and did not answer is over: a letter that was put back begins anew, though its deliveries are counted from 1 again.
 */
export async function runFor(
  journal: Pick<Journal, "runOfKey">,
  { id, delivery }: Pick<InboxMessage, "id" | "delivery">,
): Promise<PastRun> {
  const newest = await lastOf(journal, `message/${id}/${delivery}`);
  if (isTaken(newest)) return newest;
  for (let earlier = delivery - 1; earlier > 0; earlier -= 1) {
    const past = await lastOf(journal, `message/${id}/${earlier}`);
    if (isTaken(past)) return past;
  }
  return newest;
}

function isTaken({ run, damage }: PastRun): boolean {
  return run !== undefined || damage !== undefined;
}

/** The run of one delivery that has no end, else the next key that no run has. */
async function lastOf({ runOfKey }: Pick<Journal, "runOfKey">, first: string): Promise<PastRun> {
  for (let again = 1; ; again += 1) {
    const key = again === 1 ? first : `${first}/${again}`;
    const past = await runOfKey(key);
    if (past === undefined) return { key };
    const { status, run, generation } = past;
    if (status === "running") return { key, run, generation };
    // What it did is not known. Putting its letter back takes the key from it.
    if (status === "quarantined") {
      return { key, damage: `the record of run ${run} is damaged` };
    }
  }
}

/** Ends the runs without an end of messages that got another one. What fails is told, and left to the next start. */
export async function endRunsOf(
  journal: Pick<Journal, "runOfKey" | "end">,
  messages: readonly Pick<InboxMessage, "id" | "delivery">[],
  result: TurnResult,
  onError: (error: unknown) => void,
): Promise<void> {
  for (const message of messages) {
    try {
      const { run } = await runFor(journal, message);
      if (run !== undefined) await endRun(journal, run, { ...result, run });
    } catch (error) {
      onError(error);
    }
  }
}

/** Ends a run without a turn. */
export function endRun(
  journal: Pick<Journal, "end">,
  run: string,
  result: TurnResult,
): Promise<void> {
  const reason = result.status === "cancel" ? { reason: result.reason } : {};
  const data = { result: result as unknown as JsonObject };
  return journal.end(run, { data, status: "cancel", ...reason, tokens: 0 });
}
