import type { Clock } from "../../lib/clock.ts";
import { newId } from "../../lib/ids.ts";
import { systemTimers, type Timers } from "../../manifest/watch/timers.ts";
import { keyOf, keyText, type ResourceKey } from "../../state/resource.ts";
import type { AgentGeneration, LoopState, Supervisor } from "../supervision.ts";
import { conversationEnded, interruptedBy } from "./answers.ts";
import { cancelMessage, cancelRun } from "./cancel.ts";
import { closeAll, drain } from "./ending.ts";
import { beat } from "./heartbeat.ts";
import { countAll, isAtRest, mayBegin } from "./lanes.ts";
import { abortTurns, age, forgetFaults, move, stopAll, terminate } from "./lifecycle.ts";
import {
  type Lane,
  type Loop,
  laneOf,
  type Notice,
  newLoop,
  type Supervision,
  stateOf,
} from "./loop.ts";
import { ask, loopFor, put } from "./mail.ts";
import { policyOf } from "./policy.ts";
import { resumeRun } from "./resume.ts";
import { replicaNames } from "./routing.ts";
import { release, restartLane } from "./sessions.ts";
import { dropWaiting } from "./settling.ts";
import { createSlots } from "./slots.ts";
import { answerNext } from "./turn.ts";
import { persistently } from "./waiting.ts";

export interface SupervisorOptions
  extends Pick<
    Supervision,
    | "inbox"
    | "journal"
    | "lifecycles"
    | "vaults"
    | "runGeneration"
    | "untilAllWait"
    /** Opens a conversation as it is on record, or a new one. */
    | "sessionOf"
  > {
  readonly clock: Clock;
  /** Turns at once, of all agents together; TURNS_MAX unless told. */
  readonly maxTurns?: number;
  readonly timers?: Timers;
  /** From 0 to below 1: for the jitter of heartbeats and the routing `random`. */
  readonly random?: () => number;
  /** Hears of what went wrong beside the turns: an inbox that cannot be written, a bug in a turn. */
  readonly onError?: (error: unknown, key: ResourceKey) => void;
  /** Hears what people are to be told of an agent: dead letters, dropped triggers, back-off and escalation, states. */
  readonly onNotice?: (notice: Notice, key: ResourceKey) => void;
}

export const TURNS_MAX = 64;

/** The loops of the agents of one process. It is the one owner of the inbox: messages are put by `ask` and `tell` only. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const supervision = createSupervision(options);
  const { loops, closing } = supervision;
  const present = (key: ResourceKey) => loopFor(supervision, key);
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
    restart: async (key) => restart(supervision, present(key)),
    ask: (key, message, signal) => ask(supervision, key, message, signal),
    tell: (key, message) =>
      put(supervision, key, message.id ?? newId(options.clock.now()), message),
    move: async (key, to, why) => move(supervision, present(key), to, why),
    interrupt: async (key, conversation) =>
      abortTurns(present(key), interruptedBy(key), conversation),
    cancelRun: (run) => cancelRun(supervision, run),
    async cancelMessage(key, conversation, message) {
      const lane = loops.get(keyText(key))?.lanes.get(conversation);
      return lane !== undefined && cancelMessage(supervision, lane, message);
    },
    resumeRun: (run) => resumeRun(supervision, run),
    stopAll: (why) => stopAll(supervision, why),
    endConversation: async (key, conversation) =>
      endConversation(supervision, present(key), conversation),
    dead: async (key) => supervision.inbox.dead(key && present(key).uid),
    async redrive(key, ids) {
      const loop = present(key);
      const redriven = await supervision.inbox.redrive(loop.uid, ids);
      if (redriven > 0) await countAll(supervision, loop);
      return redriven;
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
  const { clock, maxTurns = TURNS_MAX, timers = systemTimers, random = Math.random } = options;
  const { onError = () => {}, onNotice = () => {} } = options;
  const listeners = new Set<(key: ResourceKey) => void>();
  const closing = new AbortController();
  const slots = createSlots<Lane>(
    maxTurns,
    ({ loop }) => loop,
    async (lane) => {
      lane.working = answerNext(supervision, lane);
      await lane.working;
      release(supervision, lane);
    },
  );
  closing.signal.addEventListener("abort", slots.stop);
  const startMs = clock.now() - clock.monotonic();
  const supervision: Supervision & Pick<Supervisor, "onChange"> = {
    ...options,
    timers,
    random,
    loops: new Map(),
    askers: new Map(),
    resting: new Set(),
    closing,
    onError,
    // Whole ones: the inbox keeps no others.
    nowMs: () => Math.floor(startMs + clock.monotonic()),
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
    notify: (notice, { key, uid }) => onNotice({ ...notice, uid }, key),
    wake(lane) {
      if (mayBegin(lane)) slots.offer(lane);
      else slots.withdraw(lane);
      if (lane.loop.onRest !== undefined && isAtRest(lane.loop)) lane.loop.onRest();
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
    loop.ready = makeReady(supervision, loop);
    keepTime(supervision, loop);
    changed(loop);
    return stateOf(loop);
  }
  if (present.uid !== agent.uid)
    throw new Error(
      `the loop of ${keyText(key)} belongs to another uid: it is to be drained first`,
    );
  const isNew = present.agent.generation !== agent.generation;
  present.agent = agent;
  if (isNew) {
    present.policy = policyOf(agent.object.spec);
    present.happened += 1;
    keepTime(supervision, present);
    changed(present);
  }
  return stateOf(present);
}

/** Sets what an agent does by the clock, as its present spec says. */
function keepTime(supervision: Supervision, loop: Loop): void {
  if (loop.isEnding || supervision.closing.signal.aborted) return;
  age(supervision, loop);
  beat(supervision, loop, (message) =>
    put(supervision, loop.key, newId(supervision.clock.now()), message),
  );
}

/** Finds what the process before this one left: the state that the agent is in, and its messages. */
async function makeReady(supervision: Supervision, loop: Loop): Promise<void> {
  const { lifecycles, onError, changed } = supervision;
  try {
    const kept = await persistently(supervision, loop, () => lifecycles.read(loop.uid));
    if (kept !== undefined) {
      const { state, reason, actor } = kept;
      loop.lifecycle = { state, reason, actor };
    }
    loop.isReady = true;
    if (kept !== undefined) changed(loop);
    await countAll(supervision, loop);
    // Whoever died while it terminated the agent left messages behind.
    if (kept?.state === "terminated") await terminate(supervision, loop);
  } catch (error) {
    onError(error, loop.key);
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

async function restart(supervision: Supervision, loop: Loop): Promise<void> {
  forgetFaults(loop);
  const lanes = replicaNames(loop.policy.replicas).map((name) => laneOf(loop, name));
  await Promise.all(lanes.map((lane) => restartLane(supervision, lane)));
}

async function endConversation(
  supervision: Supervision,
  loop: Loop,
  conversation: string,
): Promise<boolean> {
  const reason = conversationEnded(loop.key, conversation);
  const dropped = await dropWaiting(supervision, loop, reason, conversation);
  const aborted = abortTurns(loop, reason, conversation);
  const wasKept = await restartLane(supervision, laneOf(loop, conversation));
  return wasKept || dropped + aborted > 0;
}
