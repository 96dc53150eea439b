import type { Clock } from "../lib/clock.ts";
import type { Timers } from "../manifest/watch/timers.ts";
import type { Inbox } from "../state/inbox.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { Session } from "./session.ts";
import type { AgentGeneration, Drained, LoopState, Outcome, RunGeneration } from "./supervision.ts";

/** One agent, as its supervisor keeps it. Between messages it is nothing but this record. */
export interface Loop {
  readonly key: ResourceKey;
  readonly uid: string;
  /** What the next turn begins with. */
  agent: AgentGeneration;
  /** Made when a turn first needs it. */
  session: Session | undefined;
  queued: number;
  turns: number;
  turn: RunningTurn | undefined;
  /** Settles when the message at hand is done with, and never rejects. */
  working: Promise<void> | undefined;
  draining: Promise<Drained> | undefined;
  /** Takes no more messages, and never will again. */
  isEnding: boolean;
  /** Begins no more turns, whatever waits. */
  isOver: boolean;
  /** Called when no turn runs and no message waits. */
  onAllAnswered: (() => void) | undefined;
  /** Settles when `queued` is right: messages of the process before this one may wait. Never rejects. */
  counted: Promise<void>;
  /** Messages that are being written. */
  readonly puts: Set<Promise<unknown>>;
  /** There when the conversation is to be ended after the turn. */
  restarting: PromiseWithResolvers<void> | undefined;
  /** Ends the waiting to give back the sandbox. */
  stopResting: (() => void) | undefined;
}

export interface RunningTurn {
  readonly told: NonNullable<LoopState["turn"]>;
  readonly agent: AgentGeneration;
  readonly session: Session;
  readonly abort: AbortController;
}

/** Waits for the outcome of one message. */
export interface Asker {
  resolve(outcome: Outcome): void;
  reject(reason: unknown): void;
}

/** What the parts of a supervisor share. */
export interface Supervision {
  readonly inbox: Inbox;
  readonly runGeneration: RunGeneration;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly newSession: () => Session;
  /** By the text of the key. */
  readonly loops: Map<string, Loop>;
  /** By the id of the message. */
  readonly askers: Map<string, Asker>;
  /** Aborted when no more turns begin. */
  readonly closing: AbortController;
  /** Says that the state of a loop has changed. */
  changed(loop: Loop): void;
  /** Lets the loop have a turn when a message waits for it. */
  wake(loop: Loop): void;
  onError(error: unknown, key: ResourceKey): void;
}

/** A loop that has had no turn yet. */
export function newLoop(key: ResourceKey, agent: AgentGeneration): Loop {
  return {
    key,
    uid: agent.uid,
    agent,
    session: undefined,
    queued: 0,
    turns: 0,
    turn: undefined,
    working: undefined,
    draining: undefined,
    isEnding: false,
    isOver: false,
    onAllAnswered: undefined,
    counted: Promise.resolve(),
    puts: new Set(),
    restarting: undefined,
    stopResting: undefined,
  };
}

export function stateOf({ uid, agent, turn, isEnding, queued, turns }: Loop): LoopState {
  const phase = isEnding ? "draining" : turn === undefined ? "idle" : "busy";
  const { generation } = agent;
  return { uid, phase, generation, ...(turn && { turn: turn.told }), queued, turns };
}
