import type { JsonObject } from "../../lib/json.ts";
import type { ManifestObject } from "../../manifest/objects.ts";
import type { ToolBinding } from "../../tools/contract.ts";
import type { Meter, TurnResult } from "../contract.ts";
import type { Session } from "../session.ts";
import type { TeamMeter } from "./meter.ts";
import type { Seat } from "./seats.ts";

/** An agent that may be given work, as it is now. */
export interface TeamAgent {
  readonly uid: string;
  readonly generation: number;
  readonly object: ManifestObject<"Agent">;
}

/** Who started a run: goes with the request of a sub-agent's turn, so that its own team is counted with that of its parent. */
export interface TeamParent {
  /** The run of the parent. */
  readonly run: string;
  readonly seat: Seat;
  readonly meter: TeamMeter;
}

/** One turn of a sub-agent. */
export interface ChildRequest {
  readonly agent: TeamAgent;
  readonly task: string;
  /** A new ULID; a key that is known has the run that it had. */
  readonly run: string;
  readonly key: string;
  /** Of an agent that was started; one that is only called has no conversation. */
  readonly conversation?: string;
  readonly session?: Session;
  readonly vault?: JsonObject;
  readonly parent: TeamParent;
  readonly signal: AbortSignal;
}

/** Runs one turn of a sub-agent to its end, or goes on with that of its key. Rejects only when it cannot begin. */
export type RunChild = (request: ChildRequest) => Promise<TurnResult>;

/** A turn that begins, with or without agents below it. */
export interface TeamTurn {
  readonly agent: ManifestObject<"Agent">;
  /** Of the agent; empty for one without a store. */
  readonly uid?: string;
  readonly run: string;
  /** Of a sub-agent's turn. */
  readonly parent?: TeamParent;
  readonly vault?: JsonObject;
  /** That of the caller: with its reason end the agents below. */
  readonly signal: AbortSignal;
}

/** What a turn may spend, and its tool `agents` where it has agents. */
export interface OpenedTeam {
  readonly meter: Meter;
  /** Closing them ends the agents below. */
  readonly tools: readonly ToolBinding[];
  /** Ends the agents below for now: the turn goes on later, and they with it. */
  suspend?(): Promise<void>;
}

/** Asked once for each turn that begins. */
export type OpenTeam = (turn: TeamTurn) => Promise<OpenedTeam>;
