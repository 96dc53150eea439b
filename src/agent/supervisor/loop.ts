import type { Clock } from "../../lib/clock.ts";
import type { Timers } from "../../manifest/watch/timers.ts";
import type { Inbox } from "../../state/inbox.ts";
import type { Journal } from "../../state/journal.ts";
import type { Lifecycles } from "../../state/lifecycles.ts";
import type { ResourceKey } from "../../state/resource.ts";
import type { Vaults } from "../../state/vaults.ts";
import type { ObjectEventRecord } from "../../telemetry/events.ts";
import type { Session } from "../session.ts";
import type {
  AgentGeneration,
  Drained,
  LoopState,
  Outcome,
  RunGeneration,
} from "../supervision.ts";
import { type Policy, policyOf } from "./policy.ts";
import { type Faults, noFaults } from "./restart.ts";
import { replicaNames } from "./routing.ts";

/** One agent, as its supervisor keeps it. Between messages it is nothing but this record. */
export interface Loop {
  readonly key: ResourceKey;
  readonly uid: string;
  /** What the next turn begins with. */
  agent: AgentGeneration;
  policy: Policy;
  /** By conversation: those that have something to do or to keep. */
  readonly lanes: Map<string, Lane>;
  lifecycle: LoopState["lifecycle"];
  /** Settles when the states and the messages of the process before this one are known. Never rejects. */
  ready: Promise<void>;
  isReady: boolean;
  /** Moves between states, one after the other. */
  moving: Promise<unknown>;
  turns: number;
  /** Messages that the routing has given to a replica. */
  sent: number;
  /** Grows with whatever a heartbeat would look at. */
  happened: number;
  /** What had happened at the last heartbeat. */
  seen: number | undefined;
  /** Triggers that were let in and have not begun, with the conversations they go to. */
  readonly triggers: Map<string, string>;
  faults: Faults;
  /** Ends the waiting after a fault. */
  stopBackoff: (() => void) | undefined;
  stopHeartbeat: (() => void) | undefined;
  stopAging: (() => void) | undefined;
  draining: Promise<Drained> | undefined;
  /** Takes no more messages, and never will again. */
  isEnding: boolean;
  /** Begins no more turns, whatever waits. */
  isOver: boolean;
  /** Called when nothing is left that can be done now. */
  onRest: (() => void) | undefined;
  /** Messages that are being written. */
  readonly puts: Set<Promise<unknown>>;
}

/** One conversation of an agent: one turn at a time. */
export interface Lane {
  readonly loop: Loop;
  readonly conversation: string;
  /** Opened when a turn first needs it. */
  session: Promise<Session> | undefined;
  /** Messages that wait, as far as this process has seen. */
  queued: number;
  /** Messages that are being written. */
  putting: number;
  /** Messages that were ever written: tells whether one came meanwhile. */
  arrived: number;
  turns: number;
  turn: RunningTurn | undefined;
  /** Settles when the message at hand is done with, and never rejects. */
  working: Promise<void> | undefined;
  /** Messages that were taken back since the lane began to look for its next: it may have read one of them. */
  readonly takenBack: Set<string>;
  /** A trigger waits until fewer sessions run. */
  isHeld: boolean;
  /** Ends the waiting for the first message that was put off. */
  stopDue: (() => void) | undefined;
  /** There when the conversation is to be ended after the turn. */
  restarting: PromiseWithResolvers<boolean> | undefined;
  /** Ends the waiting to give back the sandbox, and then the messages. */
  stopResting: (() => void) | undefined;
}

export interface RunningTurn {
  readonly told: NonNullable<LoopState["turn"]>;
  readonly agent: AgentGeneration;
  readonly abort: AbortController;
}

/** Waits for the outcome of one message. */
export interface Asker {
  /** It waits for later deliveries too, where the first gives no answer. */
  readonly isPatient: boolean;
  resolve(outcome: Outcome): void;
  reject(reason: unknown): void;
}

/** What people are told of an agent: letters that are given up, triggers that are dropped, states. */
export type Notice = ObjectEventRecord["data"];

/** What the parts of a supervisor share. */
export interface Supervision {
  readonly inbox: Inbox;
  readonly journal: Pick<
    Journal,
    "runOfKey" | "forgetConversation" | "run" | "steps" | "end" | "unfinished"
  >;
  readonly lifecycles: Pick<Lifecycles, "read" | "set">;
  readonly vaults: Vaults;
  readonly runGeneration: RunGeneration;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: () => number;
  readonly sessionOf: (uid: string, conversation: string, maxMessages: number) => Promise<Session>;
  /** By the text of the key. */
  readonly loops: Map<string, Loop>;
  /** By the id of the message. */
  readonly askers: Map<string, Set<Asker>>;
  /** Lanes that wait and have a session, the longest waiting first. */
  readonly resting: Set<Lane>;
  /** Resolves when no turn of the process does anything but wait for people; without it a process that ends waits for those too. */
  readonly untilAllWait?: (signal: AbortSignal) => Promise<void>;
  /** Aborted when no more turns begin. */
  readonly closing: AbortController;
  /** Wall time, milliseconds, that passes evenly: what waits is not moved by a clock that is set. */
  nowMs(): number;
  /** Says that the state of a loop has changed. */
  changed(loop: Loop): void;
  /** Lets the lane have a turn when a message waits that may be answered now. */
  wake(lane: Lane): void;
  onError(error: unknown, key: ResourceKey): void;
  notify(notice: Notice, loop: Loop): void;
}

/** A loop that has had no turn yet. */
export function newLoop(key: ResourceKey, agent: AgentGeneration): Loop {
  return {
    key,
    uid: agent.uid,
    agent,
    policy: policyOf(agent.object.spec),
    lanes: new Map(),
    lifecycle: { state: "running", reason: "", actor: "" },
    ready: Promise.resolve(),
    isReady: false,
    moving: Promise.resolve(),
    turns: 0,
    sent: 0,
    happened: 0,
    seen: undefined,
    triggers: new Map(),
    faults: noFaults,
    stopBackoff: undefined,
    stopHeartbeat: undefined,
    stopAging: undefined,
    draining: undefined,
    isEnding: false,
    isOver: false,
    onRest: undefined,
    puts: new Set(),
  };
}

/** The lane of a conversation, a new one when there is none. */
export function laneOf(loop: Loop, conversation: string): Lane {
  const present = loop.lanes.get(conversation);
  if (present !== undefined) return present;
  const lane: Lane = {
    loop,
    conversation,
    session: undefined,
    queued: 0,
    putting: 0,
    arrived: 0,
    turns: 0,
    turn: undefined,
    working: undefined,
    takenBack: new Set(),
    isHeld: false,
    stopDue: undefined,
    restarting: undefined,
    stopResting: undefined,
  };
  loop.lanes.set(conversation, lane);
  return lane;
}

/** How a loop stands, for those outside. */
export function stateOf(loop: Loop): LoopState {
  const { uid, agent, isEnding, turns, lifecycle, policy } = loop;
  const lanes = [...loop.lanes.values()];
  const [turn] = lanes
    .flatMap((lane) => lane.turn?.told ?? [])
    .sort((a, b) => (a.run < b.run ? -1 : 1));
  const phase = isEnding ? "draining" : turn === undefined ? "idle" : "busy";
  const { generation } = agent;
  const replicas = replicaNames(policy.replicas);
  const busy = lanes
    .filter(({ conversation }) => !replicas.includes(conversation))
    .filter((lane) => lane.turn !== undefined || lane.queued > 0)
    .map(({ conversation }) => conversation);
  return {
    ...{ uid, phase, lifecycle, generation, turns },
    lanes: [...replicas, ...busy].map((name) => laneState(name, loop.lanes.get(name))),
    ...(turn && { turn }),
    queued: queuedIn(loop),
  };
}

function laneState(conversation: string, lane: Lane | undefined) {
  const { queued = 0, turns = 0, turn } = lane ?? {};
  return { conversation, queued, turns, ...(turn && { turn: turn.told }) };
}

/** Messages of an agent that wait. */
export function queuedIn({ lanes }: Loop): number {
  return lanes.values().reduce((sum, { queued }) => sum + queued, 0);
}

/** Turns of an agent that run. */
export function runningIn({ lanes }: Loop): number {
  return lanes.values().reduce((sum, { turn }) => sum + (turn === undefined ? 0 : 1), 0);
}
