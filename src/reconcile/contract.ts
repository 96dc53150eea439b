import type { ErrorData } from "../lib/errors.ts";
import type { JsonObject } from "../lib/json.ts";
import type { Diagnostic } from "../manifest/diagnostics.ts";
import type { Plan } from "../manifest/plan-contract.ts";
import type { RootState } from "../manifest/watch/contract.ts";
import type { Origin, OwnerReference, ResourceKey } from "../state/resource.ts";
import type { DaemonEvent } from "../telemetry/events.ts";
import type { AgentsPlane } from "./agents-contract.ts";
import type { WatchPlane } from "./watch-contract.ts";

/** An object as people and programs see it: the manifest, and what the server adds. */
export interface ApiObject {
  readonly apiVersion: "legion.dev/v1";
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly uid: string;
    readonly generation: number;
    readonly resourceVersion: number;
    /** ISO 8601, UTC; so are all other times. */
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: readonly OwnerReference[];
    /** Field manager -> how many fields it owns. */
    readonly managers?: Readonly<Record<string, number>>;
    readonly origin?: Origin;
  };
  readonly spec: JsonObject;
  readonly status: ObjectStatus;
}

export type ConditionType = "Accepted" | "Ready" | "Reconciling" | "Stalled";

/** One statement about an object, of a generation. */
export interface Condition {
  readonly type: ConditionType;
  readonly status: "True" | "False" | "Unknown";
  /** One word, CamelCase: `Invalid`, `Running`, `ToolMissing`. */
  readonly reason: string;
  /** A sentence for people; where a manifest is at fault it begins with file:line:col. */
  readonly message: string;
  /** When `status` changed last. */
  readonly lastTransitionTime: string;
  readonly observedGeneration: number;
}

/** The status of every object; kinds add fields of their own. */
export interface ObjectStatus {
  /** The newest generation that a reconciler has looked at. */
  readonly observedGeneration?: number;
  /** Sorted by type. */
  readonly conditions?: readonly Condition[];
  readonly [field: string]: unknown;
}

export interface ObjectQuery {
  /** Singular, as in manifests: `Agent`. */
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** As on the command line: `team=a,env!=prod,tier in (x,y),!legacy`. */
  readonly selector?: string;
}

/** One change of one object; `version` is where to go on watching from. */
export interface ObjectEvent {
  readonly type: "added" | "modified" | "deleted";
  readonly version: number;
  readonly object: ApiObject;
}

/** An object as somebody wants it. */
export interface DesiredObject extends ResourceKey {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** As it was sent: variables replaced, defaults not filled in. Its fields belong to the manager. */
  readonly spec: JsonObject;
  /** The same with defaults, where the caller has it; computed else. */
  readonly complete?: JsonObject;
  /** Names `spec` and `complete`, where the caller knows a hash of both. It is believed, so it never comes from outside of the process. */
  readonly hash?: string;
  readonly origin?: Omit<Origin, "source">;
}

export interface ApplyRequest {
  readonly objects: readonly DesiredObject[];
  /** Declared as well, and known to be as this source applied them: they are not looked at. */
  readonly unchanged?: readonly ResourceKey[];
  /** Whose inventory these objects belong to: `roots`, `source/NAME`, `apply:/path`. */
  readonly source: string;
  /** The field manager. */
  readonly manager: string;
  /** Take fields from other managers. */
  readonly force?: boolean;
  /** Make the source the origin also of objects that are as they should be already; for sources that reconcile on and on. */
  readonly claim?: boolean;
  /** Delete what the source declared before and declares no more. */
  readonly prune?: boolean;
  readonly allowEmpty?: boolean;
  /** Declared but not valid: they stay as they are. */
  readonly declaredInvalid?: readonly ResourceKey[];
  /** Absolute paths of files that are there and do not tell what they declare, as they cannot be read or hold no manifest now: what they declared stays. */
  readonly unreadFiles?: readonly string[];
  /** Say what would happen, and write nothing. */
  readonly dryRun?: boolean;
  /** Of the set, as the source computes it; kept in the inventory. */
  readonly digest: string;
  /** What the source calls this state of it: a commit. */
  readonly revision?: string;
}

export type ApplyOutcome =
  | "created"
  | "configured"
  | "unchanged"
  | "pruned"
  /** Not declared any more, or not valid, and kept; a note says why. */
  | "kept"
  /** It is being deleted, and will be made again by the next apply after that has ended. */
  | "deferred";

export interface AppliedObject extends ResourceKey {
  readonly outcome: ApplyOutcome;
  /** After the apply; 0 for one that is gone or would be created. */
  readonly generation: number;
  readonly notes?: readonly string[];
}

export interface ApplyReport {
  readonly source: string;
  /** In the order in which they were applied. */
  readonly objects: readonly AppliedObject[];
  /** What was, or would be, done; a saved plan is this. */
  readonly plan: Plan;
  readonly dryRun: boolean;
  /** Rows that were inserted, replaced or deleted; 0 when nothing changed. */
  readonly rowsWritten: number;
  /** The store's version afterwards. */
  readonly version: number;
}

/** Changes of labels and annotations; null removes one. */
export interface MetadataEdit {
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly annotations?: Readonly<Record<string, string | null>>;
  /** Of an Agent: spec.replicas. */
  readonly replicas?: number;
  /** Of a Watcher, a Cron or a Source: spec.suspend. */
  readonly suspend?: boolean;
  /** Replace values that are there already; LEG6031 without it. */
  readonly overwrite?: boolean;
  readonly manager: string;
}

/** One generation that is kept. */
export interface Revision {
  readonly generation: number;
  readonly at: string;
  readonly manager: string;
  readonly spec: JsonObject;
}

export interface DeleteOptions {
  /** What is said and not done. */
  readonly dryRun?: boolean;
}

/** What can be done with objects, by a daemon or on a state folder. Failures are LegionErrors; an object that does not exist is LEG6030. */
export interface ObjectPlane {
  list(
    query: ObjectQuery,
  ): Promise<{ readonly items: readonly ApiObject[]; readonly version: number }>;
  read(key: ResourceKey): Promise<ApiObject | undefined>;
  /** Newest first, at most five, the present one included. */
  history(key: ResourceKey): Promise<readonly Revision[]>;
  /** Every change after a version, until the signal is aborted, which ends it without an error. LEG6023 says to list again. */
  watch(since: number, query: ObjectQuery, signal: AbortSignal): AsyncIterable<ObjectEvent>;
  /** All or nothing. LEG6026 for fields of other managers, LEG1080 for an empty set that would prune everything. */
  apply(request: ApplyRequest): Promise<ApplyReport>;
  /** Applies a saved plan as it is. LEG1081 when the store moved. */
  applyPlan(plan: Plan, manager: string): Promise<ApplyReport>;
  /** Deletes, or marks for deletion what has to be drained first. The objects as they were. */
  delete(keys: readonly ResourceKey[], options?: DeleteOptions): Promise<readonly ApiObject[]>;
  edit(key: ResourceKey, edit: MetadataEdit): Promise<ApiObject>;
  /** Makes an earlier spec the present one, as a new generation; the one before without a generation. LEG6032 when it is not kept. */
  rollback(key: ResourceKey, toGeneration?: number): Promise<ApiObject>;
}

/** How a source stands: the roots of the daemon, or a Source object. */
export interface SourceStatus {
  /** `roots`, or `source/NAME`. */
  readonly name: string;
  readonly type: "roots" | "folder" | "git";
  /** What it reads. */
  readonly location: string;
  /** Of what was applied last. */
  readonly digest?: string;
  readonly applied?: string;
  readonly attempted?: string;
  readonly lastAppliedAt?: string;
  readonly lastAttemptAt?: string;
  /** Objects that it declares. */
  readonly objects: number;
  /** Times that it was read anew, and times that something was wrong with it. */
  readonly reloads: number;
  readonly failures: number;
  readonly roots?: readonly RootState[];
  /** What else is wrong with it: a root that is gone, something that no root reaches. */
  readonly problems?: readonly Problem[];
  /** What is wrong with its manifests. */
  readonly diagnostics: readonly Diagnostic[];
  /** Why nothing was applied, when nothing could be. */
  readonly error?: ErrorData;
}

/** Something that does not run, and why. */
export interface Problem {
  /** `agent/reviewer`, `roots`, `state`. */
  readonly subject: string;
  readonly reason: string;
  readonly message: string;
  /** Worth knowing, but nothing that runs needs it: the daemon is well with it. */
  readonly isNote?: true;
}

export interface DaemonStatus {
  readonly version: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly cwd: string;
  readonly stateFolder: string;
  readonly socket: string;
  /** The address of the TCP listener, where there is one. */
  readonly address?: string;
  /** starting: not everything was looked at once. degraded: `problems` says what is wrong; notes among them count for nothing. */
  readonly health: "starting" | "ok" | "degraded" | "draining";
  /** By kind. */
  readonly objects: Readonly<Record<string, { readonly total: number; readonly ready: number }>>;
  readonly agents: { readonly loops: number; readonly turns: number; readonly queued: number };
  readonly sources: readonly SourceStatus[];
  /** Everything that is not as it should be. */
  readonly problems: readonly Problem[];
}

export interface EventQuery {
  /** Go on with new events; else end after those that are kept. */
  readonly follow?: boolean;
  /** Only events after this one. */
  readonly since?: string;
  /** `Agent/default/reviewer`. */
  readonly object?: string;
  /** Only what concerns objects (`object`) or runs (`run`). */
  readonly about?: "object" | "run";
  /** The newest so many. */
  readonly limit?: number;
}

/** What only a running daemon can do. */
export interface DaemonPlane extends ObjectPlane, AgentsPlane, WatchPlane {
  status(): Promise<DaemonStatus>;
  /** Reads all sources anew; resolves when what they declare was applied, and with `wait` when all of it is Ready or Stalled. */
  reconcile(options: {
    readonly wait?: boolean;
    readonly timeoutMs?: number;
  }): Promise<readonly SourceStatus[]>;
  /** Drains and ends; resolves when it was accepted. */
  shutdown(): Promise<void>;
  /** Restarts the loop of an agent, with a new conversation, once its turn has ended. */
  restart(key: ResourceKey): Promise<ApiObject>;
  events(query: EventQuery, signal: AbortSignal): AsyncIterable<DaemonEvent>;
}
