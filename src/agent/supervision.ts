import type { ManifestObject } from "../manifest/objects.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { TurnResult } from "./contract.ts";
import type { Session } from "./session.ts";

/** One generation of an agent: a turn keeps the one that it began with. */
export interface AgentGeneration {
  readonly uid: string;
  readonly generation: number;
  readonly object: ManifestObject<"Agent">;
}

/** Runs one turn of one generation to its end; the composition root says how. It rejects only for a bug. */
export type RunGeneration = (options: {
  readonly agent: AgentGeneration;
  readonly task: string;
  /** The id of the message that the turn answers. */
  readonly message: string;
  /** 1 for a message that no turn was begun for before; more after the process died in one. */
  readonly attempt: number;
  /** The ULID of the run. */
  readonly run: string;
  readonly session: Session;
  readonly signal: AbortSignal;
}) => Promise<TurnResult>;

/** How the loop of an agent stands. */
export interface LoopState {
  readonly uid: string;
  /** idle: waits for messages. busy: a turn runs. draining: takes no more messages, and ends when those that it has are answered. */
  readonly phase: "idle" | "busy" | "draining";
  /** What the next turn begins with. */
  readonly generation: number;
  /** The turn that runs, with what it began with. */
  readonly turn?: {
    readonly run: string;
    readonly message: string;
    readonly generation: number;
    readonly startedAt: string;
  };
  /** Messages that wait. */
  readonly queued: number;
  /** Turns that have ended since the loop began. */
  readonly turns: number;
}

/** The loops of all agents of one process. Keys are those of Agent objects. */
export interface Supervisor {
  /** Starts the loop, or lets its next turn begin with this generation; session, inbox and variables stay. Another uid is another agent: the old loop is drained first by the caller. Doing it again changes nothing. */
  ensure(agent: AgentGeneration): LoopState;
  state(key: ResourceKey): LoopState | undefined;
  states(): readonly { readonly key: ResourceKey; readonly state: LoopState }[];
  /** Takes no more messages, and goes on with the turn that runs and the messages that wait until the grace time is over; then the turn is cancelled, and what waits is dropped with LEG2031 as its answer. Resolves when the loop has ended. */
  drain(key: ResourceKey, graceMs: number): Promise<Drained>;
  /** Ends the conversation and begins a new one, once the turn that runs has ended; messages that wait stay. */
  restart(key: ResourceKey): Promise<void>;
  /** Keeps a message and waits for its answer; aborting stops the waiting only. LEG2030 for an agent without a loop, LEG2031 for one that is being deleted, LEG2032 when too many wait, LEG2033 when the process ends before the answer: the message is kept. */
  ask(key: ResourceKey, message: Incoming, signal: AbortSignal): Promise<Outcome>;
  /** Keeps a message: on disk when the promise resolves. */
  tell(
    key: ResourceKey,
    message: Incoming,
  ): Promise<{ readonly message: string; readonly queued: number }>;
  /** Called with the key whenever the state of a loop has changed; the function that comes back ends it. */
  onChange(listener: (key: ResourceKey) => void): () => void;
  /** Begins no more turns, lets those that run end within the grace time, cancels the rest. Messages that wait stay in the store for the next start. */
  close(graceMs: number): Promise<void>;
}

/** How the loop of a deleted agent ended. */
export interface Drained {
  /** Whether its turn was cancelled. */
  readonly isCancelled: boolean;
  /** Messages that waited and got no answer. */
  readonly dropped: number;
}

export interface Incoming {
  readonly task: string;
  readonly from?: string;
}

export interface Outcome {
  readonly message: string;
  readonly generation: number;
  readonly result: TurnResult;
}
