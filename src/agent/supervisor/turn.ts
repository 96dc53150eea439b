import { errorData } from "../../lib/errors.ts";
import { newId } from "../../lib/ids.ts";
import { type InboxMessage, MESSAGE_ATTEMPTS_MAX } from "../../state/inbox.ts";
import type { TurnResult } from "../contract.ts";
import type { RunGeneration } from "../supervision.ts";
import { cancelled, diedTooOften } from "./answers.ts";
import { isAnswer, isBeyondRepair, isCutShort } from "./delivery.ts";
import { recount, releaseHeld } from "./lanes.ts";
import { afterTurn } from "./lifecycle.ts";
import { type Lane, type RunningTurn, runningIn, type Supervision } from "./loop.ts";
import { type PastRun, runFor } from "./runs.ts";
import { dropSession, rest, sessionOf } from "./sessions.ts";
import { forgetVault, isAwaited, settle, tellDead, vaultOf } from "./settling.ts";
import { ABORT_MS, isFenced, isStoreTrouble, persistently, settledWithin } from "./waiting.ts";

/** How a turn ended, and whether whoever ran it has kept that as the answer of the message. */
interface Ended {
  readonly result: TurnResult;
  readonly isKept: boolean;
}

/** Answers the next message of a lane. It never rejects: what fails is told to `onError`. */
export async function answerNext(supervision: Supervision, lane: Lane): Promise<void> {
  const { loop, conversation } = lane;
  const { inbox, nowMs, closing, onError } = supervision;
  lane.stopResting?.();
  lane.takenBack.clear();
  try {
    const next = () => inbox.next(loop.uid, conversation, nowMs());
    const message = await persistently(supervision, loop, next);
    const isStill = loop.lifecycle.state === "running" && loop.stopBackoff === undefined;
    if (message === undefined) await recount(supervision, lane);
    else if (lane.takenBack.has(message.id)) return await answerNext(supervision, lane);
    else if (!loop.isOver && !closing.signal.aborted && isStill) {
      await deliver(supervision, lane, message);
    }
  } catch (error) {
    // Who does not own the state any more begins nothing; whoever waits is told by `close`.
    if (isFenced(error)) closing.abort();
    onError(error, loop.key);
  }
  if (lane.session !== undefined) rest(supervision, lane);
}

async function deliver(supervision: Supervision, lane: Lane, message: InboxMessage): Promise<void> {
  const { loop } = lane;
  const isCapped = message.trigger !== undefined && runningIn(loop) >= loop.policy.maxSessions;
  if (isCapped) {
    lane.isHeld = true;
    return;
  }
  // Nothing waits before the turn is known: who drains the loop now leaves this message to it.
  const turn = openTurn(supervision, lane, message);
  supervision.changed(loop);
  let result: TurnResult | undefined;
  try {
    result = await answer(supervision, lane, turn, message);
  } finally {
    lane.turn = undefined;
    lane.turns += 1;
    loop.turns += 1;
    if (message.trigger !== "heartbeat") loop.happened += 1;
    supervision.changed(loop);
    releaseHeld(supervision, loop);
  }
  if (result !== undefined) await afterTurn(supervision, loop, result, turn.abort.signal);
}

function openTurn({ clock }: Supervision, lane: Lane, { id: message }: InboxMessage): RunningTurn {
  const { agent, triggers } = lane.loop;
  const { generation } = agent;
  lane.queued = Math.max(0, lane.queued - 1);
  triggers.delete(message);
  const run = newId(clock.now());
  const startedAt = new Date(clock.now()).toISOString();
  const told = { run, message, generation, startedAt };
  lane.turn = { told, agent, abort: new AbortController() };
  return lane.turn;
}

/** Runs the turn and decides about its message; undefined when there was no turn to run. */
async function answer(
  supervision: Supervision,
  lane: Lane,
  turn: RunningTurn,
  message: InboxMessage,
): Promise<TurnResult | undefined> {
  const { loop } = lane;
  const { inbox } = supervision;
  const past = await persistently(supervision, loop, () => runFor(supervision.journal, message));
  const why = message.attempts >= MESSAGE_ATTEMPTS_MAX ? diedTooOften() : past.damage;
  if (why !== undefined) {
    await persistently(supervision, loop, () => inbox.bury(message.id, why));
    tellDead(supervision, loop, message.id, why);
    return undefined;
  }
  const { run: began = turn.told.run, generation = turn.told.generation } = past;
  const told = { ...turn.told, run: began, generation };
  lane.turn = { ...turn, told };
  const ended = await run(supervision, lane, lane.turn, message, past);
  await conclude(supervision, lane, lane.turn, message, ended);
  return ended.result;
}

/** Runs one turn, and goes on with it when the store could not work for a while. */
async function run(
  supervision: Supervision,
  lane: Lane,
  { agent, abort: { signal }, told }: RunningTurn,
  { id, task, attempts }: InboxMessage,
  { key }: PastRun,
): Promise<Ended> {
  const { runGeneration, clock, timers, vaults, onError } = supervision;
  const { loop, conversation } = lane;
  let isKept = false;
  const answers = (result: TurnResult) => {
    isKept = isAnswer(result, { signal, isAwaited: isAwaited(supervision, id) });
    return isKept;
  };
  const startedMs = clock.monotonic();
  const figures = () => ({ run: told.run, durationMs: Math.round(clock.monotonic() - startedMs) });
  const begin = async (): ReturnType<RunGeneration> => {
    signal.throwIfAborted();
    isKept = false;
    try {
      const session = await sessionOf(supervision, lane);
      const vault = await vaults.read(vaultOf(id));
      return await runGeneration({
        ...{ agent, task, message: id, key, conversation, answers, session, signal },
        ...(vault !== undefined && { vault }),
        attempt: attempts + 1,
        run: told.run,
      });
    } catch (error) {
      dropSession(supervision, lane);
      throw error;
    }
  };
  const ended = persistently(supervision, loop, begin, isStoreTrouble).then(
    (result): Ended => ({ result, isKept }),
    (error: unknown): Ended => {
      // Trouble of the store comes here only when the process ends: the next one goes on with the run.
      if (isFenced(error) || isStoreTrouble(error)) throw error;
      const reason = signal.aborted ? "interrupted" : "terminated";
      if (!signal.aborted) onError(error, loop.key);
      const result = cancelled(agent, reason, errorData(error), figures());
      return { result, isKept: false };
    },
  );
  const abandoned = afterAbort(signal, async (): Promise<Ended> => {
    if (!(await settledWithin(timers, ABORT_MS, ended))) dropSession(supervision, lane);
    const result = cancelled(agent, "interrupted", errorData(signal.reason), figures());
    return { result, isKept: false };
  });
  return Promise.race([ended, abandoned]);
}

function afterAbort<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  signal.addEventListener("abort", () => resolve(work()), { once: true });
  if (signal.aborted) resolve(work());
  return promise;
}

/** Decides what becomes of the message of a turn that has ended: it is answered, or stays for the next process, or is put off or given up. */
async function conclude(
  supervision: Supervision,
  lane: Lane,
  { told: { generation }, abort: { signal } }: RunningTurn,
  { id }: InboxMessage,
  { result, isKept }: Ended,
): Promise<void> {
  const { inbox, vaults, nowMs } = supervision;
  const { loop } = lane;
  const store = <T>(work: () => Promise<T>) => persistently(supervision, loop, work);
  if (!isKept && isCutShort(result, signal)) {
    lane.queued += 1;
    await inbox.release(id);
    return;
  }
  if (isKept || isAnswer(result, { signal, isAwaited: isAwaited(supervision, id) })) {
    if (!isKept) await store(() => inbox.finish(id, { generation, result }));
    await store(() => forgetVault(vaults, id));
    settle(supervision, id, generation, result);
    return;
  }
  const { redeliveryMs, maxDeliveries } = loop.policy;
  const cause = result.status === "ok" ? "" : `${result.error.code}: ${result.error.message}`;
  if (isBeyondRepair(result)) {
    await store(() => inbox.bury(id, cause));
    return tellDead(supervision, loop, id, cause);
  }
  const notBeforeMs = Math.ceil(nowMs() + redeliveryMs);
  const how = await store(() => inbox.defer(id, { notBeforeMs, maxDeliveries, cause }));
  if (how === "deferred") lane.queued += 1;
  if (how === "dead") tellDead(supervision, loop, id, cause);
}
