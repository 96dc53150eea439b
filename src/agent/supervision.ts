import type { JsonObject } from "../lib/json.ts";
import type { ManifestObject } from "../manifest/objects.ts";
import type { DeadLetter } from "../state/inbox.ts";
import type { Lifecycle, LifecycleState } from "../state/lifecycles.ts";
import type { ResourceKey } from "../state/resource.ts";
import type { TickClaim } from "../state/ticks.ts";
import type { TurnResult } from "./contract.ts";
import type { Session } from "./session.ts";

/** One generation of an agent: a turn keeps the one that it began with. */
export interface AgentGeneration {
  readonly uid: string;
  readonly generation: number;
  readonly object: ManifestObject<"Agent">;
  /** ISO 8601, UTC: when the agent was made, which spec.ttl counts from. */
  readonly createdAt: string;
}

/** Runs one turn of one generation to its end; the composition root says how. It rejects only for a bug. */
export type RunGeneration = (options: {
  readonly agent: AgentGeneration;
  readonly task: string;
  /** The id of the message that the turn answers. */
  readonly message: string;
  /** What the run is known by: beginning again with the key of a run that has no end goes on with that run, under the generation that it began with. */
  readonly key: string;
  readonly conversation: string;
  /** Data for tools only; it outlives the process with the run. */
  readonly vault?: JsonObject;
  /** Whether the result answers the message: the journal then keeps both in one transaction. Else the message is for the caller to deliver again. */
  readonly answers: (result: TurnResult) => boolean;
  /** 1 for a message that no turn was begun for before; more after the process died in one. */
  readonly attempt: number;
  /** The ULID of the run. */
  readonly run: string;
  readonly session: Session;
  readonly signal: AbortSignal;
}) => Promise<TurnResult>;

/** One conversation of an agent: its turns run one after the other. */
export interface LaneState {
  readonly conversation: string;
  readonly queued: number;
  readonly turns: number;
  readonly turn?: LoopState["turn"];
}

/** How the loop of an agent stands. */
export interface LoopState {
  readonly uid: string;
  /** idle: waits for messages. busy: a turn runs. draining: takes no more messages, and ends when those that it has are answered. */
  readonly phase: "idle" | "busy" | "draining";
  /** What people or the supervisor decided; running where nobody has. */
  readonly lifecycle: Pick<Lifecycle, "state" | "reason" | "actor">;
  /** Conversations that have a turn, or messages that wait; replicas always. */
  readonly lanes: readonly LaneState[];
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
  /** Ends the conversation of each replica and begins a new one, once the turn that runs has ended; messages that wait stay. */
  restart(key: ResourceKey): Promise<void>;
  /** Keeps a message and waits for its answer; aborting stops the waiting only. LEG2030 for an agent without a loop, LEG2031 for one that is being deleted, LEG2032 when too many wait, LEG2033 when the process ends before the answer: the message is kept. */
  ask(key: ResourceKey, message: Incoming, signal: AbortSignal): Promise<Outcome>;
  /** Keeps a message: on disk when the promise resolves. LEG2071 for an agent that is stopped, LEG2072 for one that is terminated. */
  tell(key: ResourceKey, message: Incoming): Promise<Told>;
  /** Moves an agent to another state. LEG2070 for an edge that there is none of, naming those that there are. Pausing and stopping let the turns that run end; terminating cancels them. */
  move(key: ResourceKey, to: LifecycleState, why: Why): Promise<LoopState>;
  /** Cancels the turns that run, of one conversation or of all, as interrupted; the agent goes on with the next message. Gives how many there were. */
  interrupt(key: ResourceKey, conversation?: string): Promise<number>;
  /** Cancels one run and those below it, also one that waits for its message to come again; false when it does not run here. */
  cancelRun(run: string): Promise<boolean>;
  /** Takes a message of a conversation back: its turn is cancelled as interrupted, or it ends so where it waits; false when it has ended. */
  cancelMessage(key: ResourceKey, conversation: string, message: string): Promise<boolean>;
  /** Lets the agent have the task of a run that ended without an answer again, as a new message. LEG2076 when there is nothing to go on with. */
  resumeRun(
    run: string,
    message?: string,
  ): Promise<{ readonly run: string; readonly message: string }>;
  /** The kill switch: cancels every turn and stops every agent. Gives how many agents it stopped. */
  stopAll(why: Why): Promise<number>;
  /** Ends a conversation with its turn; messages that wait for it get no answer (LEG2078). False when there is none of the name. */
  endConversation(key: ResourceKey, conversation: string): Promise<boolean>;
  /** Messages that were given up, newest first. */
  dead(key?: ResourceKey): Promise<readonly DeadLetter[]>;
  /** Puts dead letters back, as if they had come now; all of an agent without ids. Gives how many. */
  redrive(key: ResourceKey, ids?: readonly string[]): Promise<number>;
  /** Called with the key whenever the state of a loop has changed; the function that comes back ends it. */
  onChange(listener: (key: ResourceKey) => void): () => void;
  /** Begins no more turns, lets those that run end within the grace time, cancels the rest. Messages that wait stay in the store for the next start. */
  close(graceMs: number): Promise<void>;
}

/** A message that was kept, or needed no keeping. */
export interface Told {
  /** Its id; of a duplicate the id of the first. */
  readonly message: string;
  readonly queued: number;
  /** Why nothing is delivered. idle: the body was just IDLE. overflow: a trigger above the cap of sessions. taken: the moment of the cron was taken already. */
  readonly dropped?: "idle" | "overflow" | "taken";
  /** It was known already, by its id or its dedupe key, and is not kept twice. */
  readonly isDuplicate?: true;
}

/** How the loop of a deleted agent ended. */
export interface Drained {
  /** Whether its turn was cancelled. */
  readonly isCancelled: boolean;
  /** Messages that waited and got no answer. */
  readonly dropped: number;
}

/** Why an agent changes its state, and who wants it. */
export interface Why {
  readonly reason: string;
  readonly actor: string;
}

export interface Incoming {
  /** A ULID that the sender made. */
  readonly id?: string;
  readonly task: string;
  readonly from?: string;
  /** Which conversation it goes to; where it is left out, the one of the replica that the routing picks. */
  readonly conversation?: string;
  /** Messages of one key have one effect: later ones are counted, and get the answer of the first. */
  readonly dedupeKey?: string;
  /** Data for tools only. */
  readonly vault?: JsonObject;
  /** What wakes the agent, where it is no message: it comes under the cap of sessions and its overflow policy. */
  readonly trigger?: "heartbeat" | "cron" | "watcher";
  /** For ask: waits for later deliveries too, where the first gives no answer; else the first end of a turn is the answer. */
  readonly isPatient?: boolean;
  /** The moment of a cron that is taken with the message, in one transaction. */
  readonly tick?: TickClaim;
  /** It was kept with its tick before, and whoever sends it again only goes on with it: no cap and no stop holds it back. */
  readonly isKept?: true;
}

/** The conversation of an agent with one replica; replicas beyond the first are `main-2` and so on. */
export const MAIN_CONVERSATION = "main";

export interface Outcome {
  readonly message: string;
  readonly generation: number;
  readonly result: TurnResult;
}
