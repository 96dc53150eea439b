import { startServer } from "../api/server.ts";
import { systemClock } from "../lib/clock.ts";
import type {
  DaemonPlane,
  DaemonStatus,
  ObjectPlane,
  SourceStatus,
} from "../reconcile/contract.ts";
import { daemonEvents } from "../reconcile/event-stream.ts";
import { createObjectPlane } from "../reconcile/plane.ts";
import { openDatabase } from "../state/database.ts";
import { openSqliteStore } from "../state/sqlite.ts";
import type { Store } from "../state/store.ts";
import type { DaemonEvent } from "../telemetry/events.ts";
import { createRing } from "../telemetry/ring.ts";
import { noAgents, noWatchers, refuse } from "./no-agents.ts";

export interface ServedFolder extends AsyncDisposable {
  readonly store: Store;
  readonly plane: ObjectPlane;
  readonly publish: (event: DaemonEvent) => void;
  /** The URL of the TCP listener. */
  readonly address: string | undefined;
}

export interface ServeOptions {
  readonly sources?: readonly SourceStatus[];
  /** Listen on a loopback port as well, with the token that the server makes. */
  readonly tcp?: boolean;
  /** What the daemon can do besides, over the objects of the folder. */
  readonly daemonHalf?: (plane: ObjectPlane, store: Store) => Promise<Partial<DaemonPlane>>;
}

/** Serves the objects of a state folder as a daemon does, without anything that reconciles them: what is to happen, the test does. */
export async function serveFolder(
  stateFolder: string,
  { sources = [], tcp = false, daemonHalf = async () => ({}) }: ServeOptions = {},
): Promise<ServedFolder> {
  const stack = new AsyncDisposableStack();
  const database = stack.adopt(await openDatabase(stateFolder), (opened) => opened.close());
  const clock = systemClock;
  const store = openSqliteStore(database, { clock });
  const plane = createObjectPlane({ store, clock, idle: false });
  const ring = createRing(1_000);
  const startedAt = new Date(clock.now()).toISOString();
  const daemon: DaemonPlane = {
    ...plane,
    status: async () => statusOf(stateFolder, startedAt, sources),
    events: (query, signal) => daemonEvents(ring, query, signal),
    ...noAgents,
    ...noWatchers,
    ...{ reconcile: refuse, shutdown: refuse, restart: refuse },
    ...(await daemonHalf(plane, store)),
  };
  const server = await startServer({
    ...{ plane: daemon, stateFolder, version: "0.1.0", startedAt },
    ...(tcp && { tcp: { host: "127.0.0.1", port: 0 } }),
  });
  stack.defer(() => server.close(0));
  return {
    store,
    plane,
    publish: ring.publish,
    address: server.address,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function statusOf(
  stateFolder: string,
  startedAt: string,
  sources: readonly SourceStatus[],
): DaemonStatus {
  return {
    version: "0.1.0",
    pid: process.pid,
    ...{ startedAt, cwd: process.cwd(), stateFolder, socket: "", health: "ok" },
    objects: {},
    agents: { loops: 0, turns: 0, queued: 0 },
    sources,
    problems: [],
  };
}
