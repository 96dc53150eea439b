/** The life of a daemon: it starts, serves, drains and ends. */
import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { startServer } from "./api/server.ts";
import { buildParts, type DaemonParts } from "./daemon-parts.ts";
import { systemClock } from "./lib/clock.ts";
import { LegionError, messageOf } from "./lib/errors.ts";
import { releaseMemory } from "./lib/release-memory.ts";
import type { Diagnostic } from "./manifest/diagnostics.ts";
import type { DaemonPlane, DaemonStatus } from "./reconcile/contract.ts";
import type { Controller } from "./reconcile/controller.ts";
import { createDaemonPlane } from "./reconcile/daemon-plane.ts";
import { refuseUnknownRoots } from "./reconcile/source-roots.ts";
import type { SourceRunner } from "./reconcile/source-runner.ts";
import { startRoots } from "./reconcile/sources.ts";
import type { DaemonEvent } from "./telemetry/events.ts";

/** How long the start waits for all objects to be looked at once; one that takes longer becomes ready later. */
const FIRST_LOOK_MS = 10_000;
/** How long answers that are under way may take once everything else has ended. */
const SERVER_CLOSE_MS = 1_000;

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly tokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

export interface DaemonOptions {
  /** Files and folders, relative to `cwd`. */
  readonly roots: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Absolute path. */
  readonly stateFolder: string;
  /** Listen on TCP too. */
  readonly listen?: ListenOptions;
  /** Apply nothing of the roots while one of their manifests is not valid; at the start that ends the daemon. */
  readonly strict: boolean;
  readonly watchMethod?: "events" | "poll";
  /** How long turns may go on once the daemon is to end. */
  readonly graceMs: number;
  readonly onEvent: (event: DaemonEvent) => void;
  /** What is wrong with the manifests of the roots, whenever that has changed. */
  readonly onDiagnostics: (diagnostics: readonly Diagnostic[]) => void;
  /** Begins the end: turns drain, then everything is taken down. */
  readonly signal: AbortSignal;
}

export interface Daemon {
  status(): Promise<DaemonStatus>;
  /** Reads all sources anew. */
  reload(): Promise<void>;
  /** Settles when everything is taken down; rejects when it was something fatal that ended it. */
  readonly done: Promise<void>;
}

/**
 * Starts the reconciler on a state folder; resolves when it serves its API and has read the roots once. Throws LEG6024 when
 * another daemon has the folder, and in strict mode LEG6055 for manifests that are not valid.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const stack = new AsyncDisposableStack();
  const following = new AbortController();
  const fatal = Promise.withResolvers<never>();
  // It may happen before anybody waits for it.
  fatal.promise.catch(() => {});
  try {
    const parts = await buildParts({
      ...options,
      clock: systemClock,
      stack,
      signal: following.signal,
      onFatal: fatal.reject,
    });
    stack.defer(() => following.abort());
    return await start(options, parts, { stack, fatal: fatal.promise });
  } catch (error) {
    following.abort();
    await stack.disposeAsync();
    throw error;
  }
}

interface Life {
  /** Takes everything down. */
  readonly stack: AsyncDisposableStack;
  /** Rejects when the daemon cannot go on. */
  readonly fatal: Promise<never>;
}

/** The server comes first, so that whoever asks early is told that it starts; the reconcilers last, on what the roots declare now. */
async function start(options: DaemonOptions, parts: DaemonParts, life: Life): Promise<Daemon> {
  const { stack, fatal } = life;
  const stopping = new AbortController();
  options.signal.addEventListener("abort", () => stopping.abort(), { once: true });
  if (options.signal.aborted) stopping.abort();
  refuseUnknownRoots(parts.view, options.roots, options.cwd);
  const roots = startRoots(options.roots, { ...parts.sourcesDeps, ...options });
  stack.defer(() => roots.close());
  const started = Promise.withResolvers<Controller>();
  started.promise.catch(() => {});
  const starting = { isOver: false };
  const serving = { stack, roots, stopping, starting, started: started.promise };
  const plane = await serve(options, parts, serving);
  await Promise.race([roots.first, fatal, aborted(stopping.signal)]);
  const { error } = roots.status();
  if (options.strict && error?.code === "LEG6055") throw new LegionError(error);
  const controller = parts.startController();
  started.resolve(controller);
  const idle = controller.idle();
  void idle.then(releaseMemory);
  await Promise.race([
    idle,
    wait(FIRST_LOOK_MS, undefined, { ref: false }),
    fatal,
    aborted(stopping.signal),
  ]);
  starting.isOver = true;
  return {
    status: plane.status,
    reload: async () => void (await plane.reconcile({})),
    done: end(options, parts, { ...life, roots, controller, stopping: stopping.signal }),
  };
}

interface Serving {
  readonly stack: AsyncDisposableStack;
  readonly roots: SourceRunner;
  readonly stopping: AbortController;
  /** Whether everything was looked at once. */
  readonly starting: { readonly isOver: boolean };
  readonly started: Promise<Controller>;
}

async function serve(
  options: DaemonOptions,
  {
    plane,
    view,
    ring,
    store,
    agents,
    watching: { watchers, crons },
    sources,
    onError,
  }: DaemonParts,
  { stack, roots, stopping, starting, started }: Serving,
): Promise<DaemonPlane> {
  const { cwd, stateFolder, listen } = options;
  const version = packageVersion();
  const startedAt = new Date().toISOString();
  let listening = { socket: "" };
  const daemonPlane = createDaemonPlane({
    ...agents,
    ...{ plane, view, ring, store, watchers, crons, started },
    sources: () => [roots, ...sources.all()],
    facts: () => ({ version, pid: process.pid, startedAt, cwd, stateFolder, ...listening }),
    phase: () => (stopping.signal.aborted ? "draining" : starting.isOver ? "running" : "starting"),
    shutdown: () => stopping.abort(),
  });
  const server = await startServer({
    plane: daemonPlane,
    stateFolder,
    isOwner: true,
    version,
    startedAt,
    onRequestError: (id, error, route) =>
      onError(new Error(`request ${id} of ${route}: ${messageOf(error)}`, { cause: error })),
    ...(listen !== undefined && { tcp: listen }),
  });
  const { socket, address } = server;
  listening = { socket, ...(address !== undefined && { address }) };
  stack.defer(() => server.close(SERVER_CLOSE_MS));
  return daemonPlane;
}

interface Ending extends Life {
  readonly roots: SourceRunner;
  readonly controller: Controller;
  readonly stopping: AbortSignal;
}

/** Waits for the end, lets the turns that run end, and takes everything down. What failed fatally waits for nothing. */
async function end(
  { graceMs }: DaemonOptions,
  { agents: { supervisor }, watching, sources }: DaemonParts,
  { stack, fatal, roots, controller, stopping }: Ending,
): Promise<void> {
  let isFatal = true;
  try {
    await Promise.race([aborted(stopping), fatal]);
    isFatal = false;
  } finally {
    const endMs = isFatal ? 0 : graceMs;
    await Promise.all([roots.close(), sources.close()]);
    // What is reconciled no more begins no watcher and no cron that are just being closed.
    const reconciled = controller.close();
    await Promise.all([reconciled, watching.close(endMs), supervisor.close(endMs)]);
    await stack.disposeAsync();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}

function packageVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
