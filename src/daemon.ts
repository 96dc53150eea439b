/** The composition root: the one place that builds services, bottom-up, and takes them down in reverse. */
import type { TurnResult } from "./agent/contract.ts";
import { runTurn } from "./agent/loop.ts";
import { systemClock } from "./lib/clock.ts";
import { unknownName } from "./lib/errors.ts";
import { newId } from "./lib/ids.ts";
import { suggest } from "./lib/suggest.ts";
import type { ManifestObject, ManifestSet } from "./manifest/objects.ts";
import { createRouter } from "./router/router.ts";
import { redactDeep } from "./security/redact.ts";
import { createSecrets, secretFiles } from "./security/secrets.ts";
import { createEmitter } from "./telemetry/emitter.ts";
import type { LegionEvent } from "./telemetry/events.ts";
import { createToolbox } from "./tools/registry.ts";
import { lazily } from "./tools/types/turns.ts";

export interface RuntimeOptions {
  readonly manifests: ManifestSet;
  readonly env: NodeJS.ProcessEnv;
  /** The folder that relative roots of the files tool are below. */
  readonly cwd: string;
  /** Where state is kept; made when something is first kept there. */
  readonly stateFolder: string;
  /** Takes every event. */
  readonly onEvent: (event: LegionEvent) => void;
}

export interface TaskOptions {
  readonly task: string;
  /** In place of the agent's own model. */
  readonly model?: string;
  /** Ends the run: as timeout when its reason is a TimeoutError, else as interrupted. */
  readonly signal: AbortSignal;
}

/** The services of one process over a manifest set. */
export interface Runtime extends AsyncDisposable {
  /** Runs one task of one agent to its end. Throws LEG7003 for an agent that does not exist, LEG4xxx for a tool that cannot be built. */
  runAgent(name: string, options: TaskOptions): Promise<TurnResult>;
}

/** Builds the services. What costs time or writes files is built when it is first needed. */
export function createRuntime({
  manifests,
  env,
  cwd,
  stateFolder,
  onEvent,
}: RuntimeOptions): Runtime {
  const stack = new AsyncDisposableStack();
  const clock = systemClock;
  const secrets = createSecrets({ env, clock });
  const { redactor } = secrets;
  const router = createRouter({ objects: manifests, secrets, clock });
  const deniedFiles = secretFiles(manifests);
  const { get: pool } = lazily(async () => {
    const { createSandboxPool } = await import("./sandbox/pool.ts");
    return stack.adopt(await createSandboxPool(), (sandboxes) => sandboxes.close());
  });
  const { get: keyValue } = lazily(async () => {
    const { openDatabase } = await import("./state/database.ts");
    const { openKeyValue } = await import("./state/key-value.ts");
    return openKeyValue(
      stack.adopt(await openDatabase(stateFolder), (database) => database.close()),
    );
  });

  return {
    async runAgent(name, { task, model, signal }) {
      const agent = withModel(findAgent(manifests, name), model);
      const run = newId(clock.now());
      const toolbox = await createToolbox(agent, {
        objects: manifests,
        pool,
        keyValue,
        clock,
        cwd,
        stateFolder,
        deniedFiles,
        redact: redactor.redactKnown,
      });
      try {
        const sink = (event: LegionEvent) => onEvent(redactDeep(event, redactor));
        const emit = createEmitter({ agent: name, run, clock, sink });
        const turn = { agent, task, run, router, toolbox, pool, clock, emit, signal };
        return redactDeep(await runTurn(turn), redactor);
      } finally {
        await toolbox.close();
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function findAgent(manifests: ManifestSet, name: string): ManifestObject<"Agent"> {
  const agent = manifests.get("Agent", name);
  if (agent !== undefined) return agent;
  const known = manifests.all("Agent").map((object) => object.name);
  throw unknownName("LEG7003", "agent", name, known, suggest(name, known));
}

function withModel(
  agent: ManifestObject<"Agent">,
  model: string | undefined,
): ManifestObject<"Agent"> {
  return model === undefined ? agent : { ...agent, spec: { ...agent.spec, model } };
}
