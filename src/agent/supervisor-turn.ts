import { errorData, LegionError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { type InboxMessage, MESSAGE_ATTEMPTS_MAX } from "../state/inbox.ts";
import type { TurnResult } from "./contract.ts";
import type { Session } from "./session.ts";
import { cancelled, givenUp } from "./supervisor-answers.ts";
import type { Loop, RunningTurn, Supervision } from "./supervisor-loop.ts";
import { ABORT_MS, isFenced, persistently, settledWithin } from "./supervisor-waiting.ts";

/** How long an agent that waits keeps its sandbox; the variables stay. */
export const REST_MS = 60_000;

/** Answers the oldest message of a loop. It never rejects: what fails is told to `onError`. */
export async function answerNext(supervision: Supervision, loop: Loop): Promise<void> {
  loop.stopResting?.();
  try {
    const message = await persistently(supervision, loop, () => supervision.inbox.next(loop.uid));
    if (message === undefined) loop.queued = 0;
    else if (!loop.isOver && !supervision.closing.signal.aborted) {
      await answer(supervision, loop, message);
    }
  } catch (error) {
    // Who does not own the state any more begins nothing; whoever waits is told by `close`.
    if (isFenced(error)) supervision.closing.abort();
    supervision.onError(error, loop.key);
  }
  if (loop.session !== undefined) rest(supervision, loop);
}

async function answer(supervision: Supervision, loop: Loop, message: InboxMessage): Promise<void> {
  const { inbox, changed } = supervision;
  // Nothing waits before the turn is known: who drains the loop now leaves this message to it.
  const turn = openTurn(supervision, loop, message);
  changed(loop);
  try {
    const result = await run(supervision, loop, turn, message);
    if (isCutShort(turn, result)) {
      loop.queued += 1;
      await inbox.release(message.id);
      return;
    }
    const { generation } = turn.told;
    const finish = () => inbox.finish(message.id, { generation, result });
    await persistently(supervision, loop, finish);
    settle(supervision, message.id, generation, result);
  } finally {
    loop.turn = undefined;
    loop.turns += 1;
    changed(loop);
  }
}

function openTurn(
  { clock, newSession }: Supervision,
  loop: Loop,
  { id: message }: InboxMessage,
): RunningTurn {
  const { agent } = loop;
  const { generation } = agent;
  loop.session ??= newSession();
  loop.queued = Math.max(0, loop.queued - 1);
  const run = newId(clock.now());
  const startedAt = new Date(clock.now()).toISOString();
  const told = { run, message, generation, startedAt };
  loop.turn = { told, agent, session: loop.session, abort: new AbortController() };
  return loop.turn;
}

async function run(
  supervision: Supervision,
  loop: Loop,
  { agent, session, abort, told }: RunningTurn,
  { id, task, attempts }: InboxMessage,
): Promise<TurnResult> {
  const { inbox, runGeneration, clock, timers } = supervision;
  if (attempts >= MESSAGE_ATTEMPTS_MAX) {
    const error = givenUp(loop.key, id);
    // No turn tells of it.
    supervision.onError(error, loop.key);
    return cancelled(agent, "terminated", error.toJSON(), told);
  }
  await persistently(supervision, loop, () => inbox.begin(id));
  const startedMs = clock.monotonic();
  const figures = () => ({ run: told.run, durationMs: Math.round(clock.monotonic() - startedMs) });
  const begun = async () =>
    runGeneration({
      ...{ agent, task, session, message: id, attempt: attempts + 1 },
      run: told.run,
      signal: abort.signal,
    });
  const turn = begun().catch((error: unknown) => {
    supervision.onError(error, loop.key);
    return cancelled(agent, "terminated", errorData(error), figures());
  });
  const abandoned = afterAbort(abort.signal, async () => {
    await settledWithin(timers, ABORT_MS, turn);
    return cancelled(agent, "interrupted", errorData(abort.signal.reason), figures());
  });
  return Promise.race([turn, abandoned]);
}

function afterAbort<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  signal.addEventListener("abort", () => resolve(work()), { once: true });
  if (signal.aborted) resolve(work());
  return promise;
}

/** Whether the process ended the turn: then the message has no answer yet, and gets one from the next process. */
function isCutShort({ abort }: RunningTurn, result: TurnResult): boolean {
  const reason: unknown = abort.signal.reason;
  const wasClosed = reason instanceof LegionError && reason.code === "LEG2033";
  if (!wasClosed || result.status === "ok") return false;
  return result.reason === "interrupted" || result.reason === "terminated";
}

/** Tells the one who waits for a message what it came to. */
export function settle(
  { askers }: Pick<Supervision, "askers">,
  message: string,
  generation: number,
  result: TurnResult,
): void {
  askers.get(message)?.resolve({ message, generation, result });
  askers.delete(message);
}

/** Ends the conversation of a loop that was asked to, between two turns. It never rejects. */
export async function restartIfAsked(supervision: Supervision, loop: Loop): Promise<void> {
  const { restarting, session } = loop;
  if (restarting === undefined) return;
  loop.stopResting?.();
  loop.restarting = undefined;
  loop.session = undefined;
  await giveBack(supervision, loop, session);
  restarting.resolve();
}

/** Gives the sandbox of a conversation back. It never rejects, and waits only so long for one that does not close. */
export async function giveBack(
  { timers, onError }: Supervision,
  { key }: Loop,
  session: Session | undefined,
): Promise<void> {
  const closed = session?.close().catch((error: unknown) => onError(error, key));
  if (closed !== undefined) await settledWithin(timers, ABORT_MS, closed);
}

/** Gives the sandbox back when the agent has had nothing to do for a while. */
function rest(supervision: Supervision, loop: Loop): void {
  if (supervision.closing.signal.aborted || loop.isEnding) return;
  const cancel = supervision.timers.after(REST_MS, () => {
    loop.stopResting = undefined;
    void giveBack(supervision, loop, loop.session);
  });
  loop.stopResting = () => {
    loop.stopResting = undefined;
    cancel();
  };
}
