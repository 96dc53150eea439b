/** One-shot runs: an agent of a manifest set, without a daemon. */
import type { TurnResult } from "./agent/contract.ts";
import { createSession } from "./agent/session.ts";
import type { Teams } from "./agent/team/teams.ts";
import { systemClock } from "./lib/clock.ts";
import { unknownName } from "./lib/errors.ts";
import { newId } from "./lib/ids.ts";
import { lazily } from "./lib/lazily.ts";
import { suggest } from "./lib/suggest.ts";
import type { ManifestObject, ManifestSet } from "./manifest/objects.ts";
import { systemTimers } from "./manifest/watch/timers.ts";
import { secretFiles } from "./security/secrets.ts";
import type { LegionEvent } from "./telemetry/events.ts";
import { createServices, type Services } from "./turns/services.ts";

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
export function createRuntime(options: RuntimeOptions): Runtime {
  const { manifests, env, cwd, stateFolder, onEvent } = options;
  const stack = new AsyncDisposableStack();
  const { get: keyValue } = lazily(async () => {
    const { openDatabase } = await import("./state/database.ts");
    const { openKeyValue } = await import("./state/key-value.ts");
    return openKeyValue(
      stack.adopt(await openDatabase(stateFolder), (database) => database.close()),
    );
  });
  const clock = systemClock;
  const shared = { env, cwd, stateFolder, clock, keyValue, publish: onEvent };
  const { get: teams } = lazily(async (): Promise<Teams> => {
    const { createTeams, requestOf } = await import("./agent/team/teams.ts");
    return createTeams({
      ...{ clock, timers: systemTimers },
      agentOf: (_, name) => withoutStore(manifests.get("Agent", name)),
      runChild: (request) => services.runTurn(requestOf(request)),
      sessionOf: async (_, __, maxMessages) => createSession({ maxMessages }),
    });
  });
  const services: Services = stack.use(
    createServices({
      ...shared,
      objectsOf: () => manifests,
      secretFiles: () => secretFiles(manifests),
      openTeam: async (turn) => (await teams())(turn),
    }),
  );
  return {
    runAgent(name, { task, model, signal }) {
      const agent = withModel(findAgent(manifests, name), model);
      return services.runTurn({ agent, task, run: newId(clock.now()), signal });
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

/** An agent of files alone: it has no uid and no generation of its own. */
function withoutStore(object: ManifestObject<"Agent"> | undefined) {
  return object && { object, uid: "", generation: 0 };
}

function withModel(
  agent: ManifestObject<"Agent">,
  model: string | undefined,
): ManifestObject<"Agent"> {
  return model === undefined ? agent : { ...agent, spec: { ...agent.spec, model } };
}
