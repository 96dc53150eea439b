/** What a daemon is made of: everything is built here, bottom-up, and given to one stack that takes it down in reverse. */
import { resolve } from "node:path";
import { type AgentParts, buildAgentParts } from "./daemon-agents.ts";
import { buildWatchParts, type WatchParts } from "./daemon-watch.ts";
import type { Clock } from "./lib/clock.ts";
import { errorData } from "./lib/errors.ts";
import { createManifestLoader } from "./manifest/loader.ts";
import type { Kind, ManifestObject } from "./manifest/objects.ts";
import { agentReconciler } from "./reconcile/agent.ts";
import type { ObjectPlane } from "./reconcile/contract.ts";
import { type Controller, createController } from "./reconcile/controller.ts";
import { cronReconciler } from "./reconcile/cron.ts";
import { createObjectPlane } from "./reconcile/plane.ts";
import { providerReconciler } from "./reconcile/provider.ts";
import { routerReconciler } from "./reconcile/router.ts";
import { sourceReconciler } from "./reconcile/source.ts";
import { type HeldParts, objectsOfOthers } from "./reconcile/source-others.ts";
import {
  createSources,
  type LoadSource,
  type Sources,
  type SourcesDeps,
} from "./reconcile/sources.ts";
import { toolReconciler } from "./reconcile/tool.ts";
import { createView, type View } from "./reconcile/view.ts";
import { watcherReconciler } from "./reconcile/watcher.ts";
import { secretFiles } from "./security/secrets.ts";
import { type Database, makeStateFolder, openDatabase } from "./state/database.ts";
import { withFailpoints } from "./state/failpoints.ts";
import { type FolderLock, lockFolder } from "./state/folder-lock.ts";
import { openSqliteStore } from "./state/sqlite.ts";
import type { Store } from "./state/store.ts";
import { createObjectEmitter } from "./telemetry/emitter.ts";
import type { DaemonEvent } from "./telemetry/events.ts";
import { openEventFile } from "./telemetry/journal-file.ts";
import { createRing, type EventRing } from "./telemetry/ring.ts";
import { builtinFacts } from "./tools/types/builtin.ts";

export interface PartsOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Absolute path. */
  readonly stateFolder: string;
  readonly watchMethod?: "events" | "poll";
  /** The files of a TCP listener that agents must not read. */
  readonly listen?: { readonly tokenFile?: string; readonly tlsKey?: string };
  readonly onEvent: (event: DaemonEvent) => void;
  readonly clock: Clock;
  /** Takes everything down. */
  readonly stack: AsyncDisposableStack;
  /** Ends what follows the store. */
  readonly signal: AbortSignal;
  /** Told of what the daemon cannot go on after. */
  readonly onFatal: (error: unknown) => void;
}

/** Where a daemon keeps its state, and that it is the only one there. */
interface State {
  readonly database: Database;
  readonly store: Store;
  readonly lock: FolderLock;
  readonly view: View;
}

export interface DaemonParts {
  readonly plane: ObjectPlane;
  readonly view: View;
  readonly store: Store;
  readonly ring: EventRing;
  /** Takes what went wrong beside everything that is answered for. */
  readonly onError: (error: unknown) => void;
  readonly agents: AgentParts;
  readonly watching: WatchParts;
  readonly sources: Sources;
  /** For one more source, the roots. */
  readonly sourcesDeps: SourcesDeps;
  /** Begins to reconcile. */
  startController(): Controller;
}

/** Events that are kept in memory, for those who attach. */
const EVENTS_IN_MEMORY = 10_000;

/** Builds everything but the server and the roots. Throws LEG6024 when another daemon has the folder. */
export async function buildParts(options: PartsOptions): Promise<DaemonParts> {
  const { cwd, env, stateFolder, clock, signal, onFatal } = options;
  const { ring, publish, emit, onError } = await openEvents(options);
  const { database, store, lock, view } = await openState(options, onError);
  const { fence } = lock;
  const secretFiles = () => closedFiles(options, view);
  const agents = await buildAgentParts({
    ...{ cwd, env, stateFolder, clock, database, fence, view, publish, emit, onError, signal },
    stack: options.stack,
    secretFiles,
  });
  const { supervisor, services, lifecycles, endLeft, keyValue } = agents;
  const watching = buildWatchParts({
    ...{ cwd, env, stateFolder, clock, database, fence, view, emit, onError },
    ...{ supervisor, services, keyValue, secretFiles },
  });
  const plane = createObjectPlane({ store, clock, fence, idle: false });
  const sourcesDeps: SourcesDeps = {
    ...{ plane, store, view, clock, fence, emit, env, cwd, stateFolder },
    createLoad: (source) => createLoad(options, (held) => objectsOfOthers(view, source, held)),
    ...(options.watchMethod !== undefined && { watchMethod: options.watchMethod }),
  };
  const sources = createSources(sourcesDeps);
  const startController = () =>
    createController({
      ...{ store, view, clock, fence, emit, signal, onFatal },
      // What goes wrong with an object is in its status and its events.
      onError: () => {},
      reconcilers: [
        providerReconciler(services.secrets),
        routerReconciler(),
        toolReconciler(),
        agentReconciler({ supervisor, secrets: services.secrets, lifecycles, endLeft }),
        watcherReconciler({ ...watching, supervisor }),
        cronReconciler(watching),
        sourceReconciler({ ...sourcesDeps, sources }),
      ],
    });
  const built = { plane, view, ring, store, agents, watching, sources, sourcesDeps };
  return { ...built, onError, startController };
}

/** What no agent may read, whatever its namespace: with the token it could speak to the API. */
function closedFiles({ cwd, listen }: PartsOptions, view: View): readonly string[] {
  const own = [listen?.tokenFile, listen?.tlsKey].filter((file) => file !== undefined);
  const objects = {
    all: <K extends Kind>(kind: K) => view.ofKind(kind).map((resource) => view.object<K>(resource)),
  };
  return [...own.map((file) => resolve(cwd, file)), ...secretFiles(objects)];
}

async function openState(
  { stateFolder, env, clock, stack, signal, onFatal, cwd }: PartsOptions,
  onError: (error: unknown) => void,
): Promise<State> {
  const database = stack.adopt(await openDatabase(stateFolder), (opened) => opened.close());
  const store = withFailpoints(openSqliteStore(database, { clock }), env);
  const lock = stack.use(
    await lockFolder(stateFolder, { store, clock, command: "legion up", signal }),
  );
  lock.lost.addEventListener("abort", () => onFatal(lock.lost.reason), { once: true });
  const view = await createView(store, { signal, onError, place: { cwd } });
  return { database, store, lock, view };
}

/** Every event goes to memory, to the file and to whoever started the daemon. */
async function openEvents({ stateFolder, stack, clock, onEvent, onFatal }: PartsOptions) {
  await makeStateFolder(stateFolder);
  const ring = createRing(EVENTS_IN_MEMORY, (error) => onError(error));
  const file = stack.adopt(
    // A file that cannot be written is told in what can be.
    await openEventFile(stateFolder, { onError: (error) => onError(error) }),
    (opened) => opened.close(),
  );
  for (const event of await file.recent(EVENTS_IN_MEMORY)) ring.publish(event);
  const publish = (event: DaemonEvent) => {
    ring.publish(event);
    file.publish(event);
    onEvent(event);
  };
  const emit = createObjectEmitter({ clock, sink: publish });
  function onError(error: unknown): void {
    const data = errorData(error);
    if (endings.has(data.code)) onFatal(error);
    const message = `${data.code}: ${data.message}`;
    emit("Daemon//legion", { severity: "warning", reason: "Failed", message });
  }
  return { ring, publish, emit, onError };
}

/** After these the daemon cannot go on: the folder belongs to another, or nobody knows what reached the disk. */
const endings: ReadonlySet<string> = new Set(["LEG6022", "LEG6006"]);

/** A loader with a memory of its own, for one source. */
function createLoad(
  { env, stateFolder }: PartsOptions,
  existing: (held?: HeldParts) => readonly ManifestObject[],
): LoadSource {
  const loader = createManifestLoader({ cacheFolder: stateFolder });
  return (inputs, { cwd, change, boundary }) =>
    loader.load(inputs, {
      cwd,
      ...(boundary !== undefined && { boundary }),
      env,
      builtins: builtinFacts,
      existing: existing(change),
      // Folders that hold nothing yet are watched like others.
      mayBeEmpty: true,
      ...(change !== undefined && { known: change }),
    });
}
