/** running: takes messages and has turns. paused: takes messages and has no turns. stopped: takes none, can be resumed. terminated: for good. */
export type LifecycleState = "running" | "paused" | "stopped" | "terminated";

/** The state of one agent, with why and by whom. */
export interface Lifecycle {
  readonly uid: string;
  readonly state: LifecycleState;
  readonly reason: string;
  /** `legion pause`, `supervisor`, `ttl`, `kill-switch`, ... */
  readonly actor: string;
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** What is kept of an agent that was deleted or terminated. */
export interface Grave {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly buriedAt: string;
  readonly reason: string;
  /** The manifest as it was last applied: labels, annotations, spec. */
  readonly object: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    readonly spec: object;
  };
}

/** Which state each agent is in, as people or the supervisor decided; survives restarts. An agent without a row is running. */
export interface Lifecycles {
  read(uid: string): Promise<Lifecycle | undefined>;
  all(): Promise<readonly Lifecycle[]>;
  set(lifecycle: Omit<Lifecycle, "at">): Promise<Lifecycle>;
  forget(uid: string): Promise<void>;
  bury(grave: Omit<Grave, "buriedAt">): Promise<void>;
  /** Newest first. */
  graves(): Promise<readonly Grave[]>;
  grave(uid: string): Promise<Grave | undefined>;
  /** Takes it out, with what its conversations hold moved to the uid of the agent that goes on. */
  exhume(uid: string, toUid: string): Promise<boolean>;
}

/** Graves that are kept. */
export const GRAVES_KEPT = 1_000;
