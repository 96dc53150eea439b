import type { Clock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { systemTimers, type Timers } from "../manifest/watch/timers.ts";
import type { Inbox } from "../state/inbox.ts";
import { keyOf, keyText, type ResourceKey } from "../state/resource.ts";
import { createSession, type Session } from "./session.ts";
import type {
  AgentGeneration,
  Incoming,
  LoopState,
  Outcome,
  RunGeneration,
  Supervisor,
} from "./supervision.ts";
import { beingDeleted, inboxFull, noLoop, shuttingDown } from "./supervisor-answers.ts";
import { closeAll, drain } from "./supervisor-ending.ts";
import { type Loop, newLoop, type Supervision, stateOf } from "./supervisor-loop.ts";
import { createSlots } from "./supervisor-slots.ts";
import { answerNext, restartIfAsked } from "./supervisor-turn.ts";
import { persistently } from "./supervisor-waiting.ts";

export interface SupervisorOptions {
  readonly inbox: Inbox;
  readonly runGeneration: RunGeneration;
  readonly clock: Clock;
  readonly newSession?: () => Session;
  /** Turns at once, of all agents together; TURNS_MAX unless told. */
  readonly maxTurns?: number;
  readonly timers?: Timers;
  /** Hears of what went wrong beside the turns: an inbox that cannot be written, a bug in a turn. */
  readonly onError?: (error: unknown, key: ResourceKey) => void;
}

export const TURNS_MAX = 64;

/** The loops of the agents of one process. It is the one owner of the inbox: messages are put by `ask` and `tell` only. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const supervision = createSupervision(options);
  const { loops, closing } = supervision;
  let closed: Promise<void> | undefined;
  return {
    ensure: (agent) => ensure(supervision, agent),
    state(key) {
      const loop = loops.get(keyText(key));
      return loop && stateOf(loop);
    },
    states: () =>
      loops
        .values()
        .map((loop) => ({ key: loop.key, state: stateOf(loop) }))
        .toArray(),
    drain(key, graceMs) {
      const loop = loops.get(keyText(key));
      return loop === undefined
        ? Promise.resolve({ isCancelled: false, dropped: 0 })
        : begunDrain(supervision, loop, graceMs);
    },
    restart: (key) => restart(supervision, key),
    ask: (key, message, signal) => ask(supervision, key, message, signal),
    async tell(key, incoming) {
      const message = newId(options.clock.now());
      const { loop } = await put(supervision, key, message, incoming);
      return { message, queued: loop.queued };
    },
    onChange: supervision.onChange,
    close(graceMs) {
      closing.abort();
      closed ??= closeAll(supervision, graceMs);
      return closed;
    },
  };
}

function createSupervision(options: SupervisorOptions) {
  const { inbox, runGeneration, clock, newSession = createSession } = options;
  const { maxTurns = TURNS_MAX, timers = systemTimers, onError = () => {} } = options;
  const listeners = new Set<(key: ResourceKey) => void>();
  const closing = new AbortController();
  const slots = createSlots<Loop>(maxTurns, async (loop) => {
    loop.working = answerNext(supervision, loop);
    await loop.working;
    loop.working = undefined;
    void restartIfAsked(supervision, loop);
    supervision.wake(loop);
  });
  closing.signal.addEventListener("abort", slots.stop);
  const supervision: Supervision & Pick<Supervisor, "onChange"> = {
    inbox,
    runGeneration,
    clock,
    timers,
    newSession: () => newSession(),
    loops: new Map(),
    askers: new Map(),
    closing,
    onError,
    changed({ key }) {
      for (const listener of listeners) {
        try {
          listener(key);
        } catch (error) {
          // A bug of who listens is none of the loop.
          onError(error, key);
        }
      }
    },
    wake(loop) {
      if (loop.isOver) slots.withdraw(loop);
      else if (loop.queued > 0 && loop.working === undefined) slots.offer(loop);
      else if (loop.working === undefined) loop.onAllAnswered?.();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  return supervision;
}

function ensure(supervision: Supervision, agent: AgentGeneration): LoopState {
  const { loops, changed } = supervision;
  const key = keyOf(agent.object);
  const present = loops.get(keyText(key));
  if (present === undefined) {
    const loop = newLoop(key, agent);
    loops.set(keyText(key), loop);
    loop.counted = countWaiting(supervision, loop);
    changed(loop);
    return stateOf(loop);
  }
  if (present.uid !== agent.uid)
    throw new Error(
      `the loop of ${keyText(key)} belongs to another uid: it is to be drained first`,
    );
  const isNew = present.agent.generation !== agent.generation;
  present.agent = agent;
  if (isNew) changed(present);
  return stateOf(present);
}

/** Finds what the process before this one left. */
async function countWaiting(supervision: Supervision, loop: Loop): Promise<void> {
  try {
    const waiting = await persistently(supervision, loop, () => supervision.inbox.count(loop.uid));
    if (waiting === 0 || loop.isOver) return;
    loop.queued = waiting;
    supervision.changed(loop);
    supervision.wake(loop);
  } catch (error) {
    supervision.onError(error, loop.key);
  }
}

function begunDrain(supervision: Supervision, loop: Loop, graceMs: number) {
  loop.isEnding = true;
  supervision.changed(loop);
  loop.draining ??= drain(supervision, loop, graceMs)
    .then((how) => {
      supervision.loops.delete(keyText(loop.key));
      supervision.changed(loop);
      return how;
    })
    .catch((error: unknown) => {
      // The next call tries again.
      loop.draining = undefined;
      throw error;
    });
  return loop.draining;
}

async function restart(supervision: Supervision, key: ResourceKey): Promise<void> {
  const loop = loopFor(supervision, key);
  loop.restarting ??= Promise.withResolvers();
  const { promise } = loop.restarting;
  if (loop.working === undefined) void restartIfAsked(supervision, loop);
  await promise;
}

async function ask(
  supervision: Supervision,
  key: ResourceKey,
  incoming: Incoming,
  signal: AbortSignal,
): Promise<Outcome> {
  signal.throwIfAborted();
  const { askers, clock } = supervision;
  const message = newId(clock.now());
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop);
  askers.set(message, { resolve, reject });
  try {
    // The turn may end before the writer of the message hears that it is written.
    await Promise.all([put(supervision, key, message, incoming), promise]);
    return await promise;
  } finally {
    askers.delete(message);
    signal.removeEventListener("abort", stop);
  }
}

/** Keeps a message for an agent that takes messages, and lets its loop have a turn. */
async function put(
  supervision: Supervision,
  key: ResourceKey,
  id: string,
  { task, from }: Incoming,
): Promise<{ readonly loop: Loop }> {
  await loopFor(supervision, key).counted;
  // It may have come to its end meanwhile.
  const loop = loopFor(supervision, key);
  const { uid } = loop;
  const putting = supervision.inbox.put({ id, uid, task, ...(from !== undefined && { from }) });
  loop.puts.add(putting);
  try {
    await putting;
  } catch (error) {
    const isFull = error instanceof LegionError && error.code === "LEG6042";
    throw isFull ? inboxFull(key) : error;
  } finally {
    loop.puts.delete(putting);
  }
  loop.queued += 1;
  supervision.changed(loop);
  supervision.wake(loop);
  return { loop };
}

function loopFor({ loops, closing }: Supervision, key: ResourceKey): Loop {
  if (closing.signal.aborted) throw shuttingDown();
  const loop = loops.get(keyText(key));
  if (loop === undefined) throw noLoop(key);
  if (loop.isEnding) throw beingDeleted(key);
  return loop;
}
