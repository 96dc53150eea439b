/** What running agents share in one process, whoever starts the turns; built when it is first needed. */
import type { TurnResult } from "./agent/contract.ts";
import { runTurn } from "./agent/loop.ts";
import { startOf, stopOf } from "./agent/record.ts";
import type { Session } from "./agent/session.ts";
import type { Clock } from "./lib/clock.ts";
import { LegionError } from "./lib/errors.ts";
import { lazily } from "./lib/lazily.ts";
import { DEFAULT_NAMESPACE } from "./manifest/loaded.ts";
import type { ManifestObject, ManifestSet } from "./manifest/objects.ts";
import { noUsage, type Router } from "./router/contract.ts";
import { createRouter } from "./router/router.ts";
import type { SandboxPool } from "./sandbox/contract.ts";
import { redactDeep } from "./security/redact.ts";
import { redactStream } from "./security/redact-stream.ts";
import { createSecrets, type Secrets } from "./security/secrets.ts";
import type { KeyValue } from "./state/key-value.ts";
import { createEmitter } from "./telemetry/emitter.ts";
import type { Emit, LegionEvent } from "./telemetry/events.ts";
import { withinLimits } from "./telemetry/limits.ts";
import { createToolbox } from "./tools/registry.ts";

export type Objects = Pick<ManifestSet, "get" | "all">;

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
}

export interface TurnRequest {
  readonly agent: ManifestObject<"Agent">;
  readonly generation?: number;
  readonly task: string;
  /** The message that the turn answers, and for which time. */
  readonly message?: string;
  readonly attempt?: number;
  /** The ULID of the run. */
  readonly run: string;
  readonly session?: Session;
  readonly signal: AbortSignal;
}

export interface Services extends AsyncDisposable {
  /** Runs one turn. Throws LEG4xxx when a tool of the agent cannot be built. */
  runTurn(request: TurnRequest): Promise<TurnResult>;
  readonly secrets: Pick<Secrets, "missing">;
  /** Text without the secrets that were resolved so far. */
  redact(text: string): string;
}

/** Builds the services; sandboxes and the rest of what costs time come when a turn first needs them. */
export function createServices(options: ServicesOptions): Services {
  const { env, cwd, stateFolder, clock, keyValue, objectsOf, secretFiles, publish } = options;
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
    const { createSandboxPool } = await import("./sandbox/pool.ts");
    return stack.adopt(await createSandboxPool(), (sandboxes) => sandboxes.close());
  });
  return {
    secrets,
    redact: redactor.redact,
    async runTurn({ agent, ...request }) {
      const sink = redactStream(redactor, (event) => publish(withinLimits(event)));
      const emit = createEmitter({ agent: titleIn(agent), run: request.run, clock, sink });
      const objects = objectsOf(agent.namespace);
      secrets.know(objects);
      const toolbox = await createToolbox(agent, {
        objects,
        pool,
        keyValue,
        clock,
        cwd,
        stateFolder,
        deniedFiles: secretFiles(),
        redact: redactor.redactKnown,
      }).catch((error: unknown) => {
        tellNotBegun({ agent, ...request }, error, emit);
        throw error;
      });
      try {
        const router = routerOf(agent.namespace);
        const turn = { ...request, agent, router, toolbox, pool, clock, emit };
        return redactDeep(await runTurn(turn), redactor);
      } finally {
        await toolbox.close();
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** What events call an agent: its name, behind its namespace when that is not the default one. */
function titleIn({ namespace, name }: ManifestObject<"Agent">): string {
  return namespace === DEFAULT_NAMESPACE ? name : `${namespace}/${name}`;
}

/** A turn that could not begin is on record like others. */
function tellNotBegun(request: TurnRequest, error: unknown, emit: Emit): void {
  if (!(error instanceof LegionError)) return;
  const started = emit("legion.agent.started", startOf(request));
  emit("legion.agent.stopped", stopOf(notBegun(request, error), request.message), started);
}

/** The end of a turn that could not begin: a tool of the agent cannot be built. */
export function notBegun({ agent, run }: TurnRequest, error: unknown): TurnResult {
  if (!(error instanceof LegionError)) throw error;
  const { name, spec } = agent;
  const figures = { iterations: 0, evaluations: 0, retries: 0, toolCalls: 0, durationMs: 0 };
  const asked = { agent: name, run, model: spec.model, usage: noUsage };
  return { status: "cancel", reason: "terminated", error: error.toJSON(), ...asked, ...figures };
}
