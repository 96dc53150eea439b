/** What running agents share in one process, whoever starts the turns; built when it is first needed. */
import type { TurnActivity } from "../agent/activity.ts";
import type { ApprovalRequest, Approve, TurnResult } from "../agent/contract.ts";
import type { Replay } from "../agent/journal/replay.ts";
import type { Rollback } from "../agent/journal/rollback.ts";
import type { Session } from "../agent/session.ts";
import type { OpenTeam, TeamParent } from "../agent/team/contract.ts";
import type { Clock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import type { Json, JsonObject } from "../lib/json.ts";
import { lazily } from "../lib/lazily.ts";
import type { ManifestObject, ManifestSet } from "../manifest/objects.ts";
import { noUsage, type Router } from "../router/contract.ts";
import { createRouter } from "../router/router.ts";
import type { SandboxPool } from "../sandbox/contract.ts";
import { createSecrets, type Secrets } from "../security/secrets.ts";
import type { Journal } from "../state/journal.ts";
import type { KeyValue } from "../state/key-value.ts";
import type { Vaults } from "../state/vaults.ts";
import type { LegionEvent } from "../telemetry/events.ts";
import type { PeopleRequest, ToolReply } from "../tools/contract.ts";
import { createToolCaller, type ToolCall } from "./call-tool.ts";
import { knownRun, recordedResult } from "./record.ts";
import { type DurableParts, runOnRecord } from "./turn.ts";

export type Objects = Pick<ManifestSet, "get" | "all">;

/** An approval as people see it: of which agent, and for how long it can be given. */
export type AgentApproval = ApprovalRequest & {
  readonly agent: string;
  readonly uid: string;
  readonly run: string;
  readonly timeoutMs: number;
};

export interface ServicesOptions {
  readonly env: NodeJS.ProcessEnv;
  /** The folder that relative roots of the files tool are below. */
  readonly cwd: string;
  readonly stateFolder: string;
  readonly clock: Clock;
  readonly keyValue: () => Promise<KeyValue>;
  /** What references of a namespace mean, read at each decision. */
  readonly objectsOf: (namespace: string) => Objects;
  /** Absolute paths of files that hold secrets, of whatever namespace; read at each turn. */
  readonly secretFiles: () => readonly string[];
  /** Takes every event, redacted. */
  readonly publish: (event: LegionEvent) => void;
  /** Where runs are recorded step by step; without one nothing of a turn outlives the process. */
  readonly journal?: () => Promise<Journal>;
  readonly vaults?: () => Promise<Vaults>;
  /** Asks people whether a call may be made. */
  readonly approve?: (request: AgentApproval) => ReturnType<Approve>;
  readonly askPeople?: (request: PeopleRequest & { readonly uid: string }) => Promise<Json>;
  /** Asked once for each turn: what it may spend, and tools that no manifest declares. Closing those ends the agents below. */
  readonly openTeam?: OpenTeam;
}

export interface TurnRequest {
  readonly agent: ManifestObject<"Agent">;
  /** Of the agent's object; absent for one without a store. */
  readonly uid?: string;
  readonly generation?: number;
  readonly task: string;
  /** The message that the turn answers, and for which time. */
  readonly message?: string;
  readonly attempt?: number;
  /** The ULID of the run; one that goes on keeps its own. */
  readonly run: string;
  /** What the run is known by: the run of this key is gone on with, under what it began with, or its result is given when it has ended. */
  readonly key?: string;
  /** Where the messages of the turn are kept; without one they end with it. */
  readonly conversation?: string;
  /** Whether the result answers the message; every one does unless told. */
  readonly answers?: (result: TurnResult) => boolean;
  /** Data for tools only. */
  readonly vault?: JsonObject;
  /** Of a sub-agent's turn. */
  readonly parent?: TeamParent;
  /** Told when the turn waits for people. */
  readonly activity?: TurnActivity;
  /** The conversation as it is in memory; read from the journal where it is left out. */
  readonly session?: Session;
  readonly signal: AbortSignal;
}

export interface Services extends AsyncDisposable {
  /**
   * Runs one turn, or goes on with it; its end is on disk when the promise resolves. One that was cut short because the process
   * ends (LEG2033) has no end. Throws LEG4xxx when a tool of the agent cannot be built, LEG6062 when the record of the run is
   * damaged, LEG60xx when it cannot be written: then the run has no end either.
   */
  runTurn(request: TurnRequest): Promise<TurnResult>;
  readonly secrets: Secrets;
  /** Calls a function of a tool for somebody who is no agent. */
  callTool(call: ToolCall): Promise<ToolReply>;
  /** Text without the secrets that were resolved so far. */
  redact(text: string): string;
  readonly pool: () => Promise<SandboxPool>;
  /** Undoes a run that has ended. LEG6060 when there is none, LEG2105 for one that runs. */
  rollbackRun(run: string, signal: AbortSignal): Promise<Rollback>;
  /** Does a run again from its record, and tells how it differs; nothing but its code is run. */
  replayRun(run: string, signal: AbortSignal): Promise<Replay>;
}

/** Builds the services; sandboxes and the rest of what costs time come when a turn first needs them. */
export function createServices(options: ServicesOptions): Services {
  const { env, cwd, stateFolder, clock, keyValue, objectsOf, secretFiles } = options;
  const stack = new AsyncDisposableStack();
  const secrets = createSecrets({ env, clock });
  const { redactor } = secrets;
  const routers = new Map<string, Router>();
  const routerOf = (namespace: string): Router => {
    const known = routers.get(namespace);
    if (known !== undefined) return known;
    const made = createRouter({ objects: objectsOf(namespace), secrets, clock });
    routers.set(namespace, made);
    return made;
  };
  const { get: pool } = lazily(async (): Promise<SandboxPool> => {
    const { createSandboxPool } = await import("../sandbox/pool.ts");
    return stack.adopt(await createSandboxPool(), (sandboxes) => sandboxes.close());
  });
  const shared = { pool, keyValue, clock, cwd, stateFolder };
  const parts: DurableParts = {
    ...{ options, redactor, routerOf, pool },
    toolDeps: () => ({ ...shared, deniedFiles: secretFiles() }),
  };
  const callers = stack.use(
    createToolCaller((namespace) => ({
      ...parts.toolDeps(),
      objects: objectsOf(namespace),
      redact: redactor.redactKnown,
    })),
  );
  return {
    secrets,
    pool,
    async callTool(call) {
      secrets.know(objectsOf(call.namespace));
      return callers.call(call);
    },
    redact: redactor.redact,
    async runTurn(request) {
      secrets.know(objectsOf(request.agent.namespace));
      const journal = await options.journal?.();
      const known = journal && (await knownRun(journal, request.key));
      if (known !== undefined && known.run.status !== "running")
        return recordedResult(known) ?? Promise.reject(new Error("the run has no result"));
      return runOnRecord(parts, request, { journal, known });
    },
    async rollbackRun(run, signal) {
      const { rollbackOnRecord } = await import("./after.ts");
      return rollbackOnRecord(parts, run, signal);
    },
    async replayRun(run, signal) {
      const { replayOnRecord } = await import("./after.ts");
      return replayOnRecord(parts, run, signal);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The end of a turn that could not begin: a tool of the agent cannot be built. */
export function notBegun({ agent, run }: TurnRequest, error: unknown): TurnResult {
  if (!(error instanceof LegionError)) throw error;
  const { name, spec } = agent;
  const figures = { iterations: 0, evaluations: 0, retries: 0, toolCalls: 0, durationMs: 0 };
  const asked = { agent: name, run, model: spec.model, usage: noUsage };
  return { status: "cancel", reason: "terminated", error: error.toJSON(), ...asked, ...figures };
}
