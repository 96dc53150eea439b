import { mkdtemp, rm } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ApiServer, type ServerOptions, startServer } from "../api/server.ts";
import { systemClock } from "../lib/clock.ts";
import type {
  ApplyRequest,
  DaemonPlane,
  DaemonStatus,
  DesiredObject,
} from "../reconcile/contract.ts";
import { daemonEvents } from "../reconcile/event-stream.ts";
import { createObjectPlane } from "../reconcile/plane.ts";
import { openMemoryStore } from "../state/memory.ts";
import { createRing, type EventRing } from "../telemetry/ring.ts";
import { noAgents, noWatchers } from "./no-agents.ts";

export interface TestServer extends AsyncDisposable {
  readonly folder: string;
  readonly server: ApiServer;
  /** What is served. */
  readonly plane: DaemonPlane;
  readonly ring: EventRing;
  /** What the log would get. */
  readonly errors: { id: string; error: unknown; route: string }[];
}

/** A server over a real store, with a plane whose daemon half the test may replace. */
export async function serveTestPlane(
  options: Partial<Omit<ServerOptions, "plane">> & {
    readonly plane?: Partial<DaemonPlane>;
  } = {},
): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), "legion-api-"));
  const store = openMemoryStore({ clock: systemClock });
  const ring = createRing(100);
  const objects = createObjectPlane({ store, clock: systemClock, idle: true });
  const plane: DaemonPlane = {
    ...objects,
    ...noAgents,
    ...noWatchers,
    status: async () => statusOf(folder),
    reconcile: async () => [],
    shutdown: async () => {},
    restart: async (key) => await objects.edit(key, { manager: "restart" }),
    ask: async ({ task }) => ({
      message: "m1",
      generation: 1,
      result: { status: "ok", result: task },
    }),
    tell: async () => ({ message: "m1", queued: 1 }),
    events: (query, signal) => daemonEvents(ring, query, signal),
    ...options.plane,
  };
  const errors: TestServer["errors"] = [];
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  const starting = startServer({
    stateFolder: folder,
    version: "0.1.0",
    startedAt: "2026-01-01T00:00:00.000Z",
    onRequestError: (id, error, route) => void errors.push({ id, error, route }),
    ...options,
    plane,
  });
  const server = await starting.catch(async (error: unknown) => {
    await removeFolder();
    throw error;
  });
  return {
    ...{ folder, server, plane, ring, errors },
    async [Symbol.asyncDispose]() {
      await server.close(0);
      await removeFolder();
    },
  };
}

function statusOf(stateFolder: string): DaemonStatus {
  return {
    version: "0.1.0",
    pid: process.pid,
    startedAt: "2026-01-01T00:00:00.000Z",
    ...{ cwd: "/", stateFolder, socket: "", health: "ok" },
    objects: { Agent: { total: 1, ready: 0 } },
    agents: { loops: 0, turns: 0, queued: 0 },
    sources: [],
    problems: [],
  };
}

/** A valid object of a kind that needs nothing else. */
export function desiredTool(name: string, description = "adds"): DesiredObject {
  return {
    ...{ kind: "Tool", namespace: "default", name, labels: { team: "a" }, annotations: {} },
    spec: { type: "builtin", builtin: "kv", description },
  };
}

export function applyRequest(
  objects: readonly DesiredObject[],
  more: Partial<ApplyRequest> = {},
): ApplyRequest {
  return { objects, source: "apply:test", manager: "test", digest: "d", ...more };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

/** One request as a stranger would send it. */
export async function rawRequest(
  target: ApiServer | URL,
  options: RequestOptions & { readonly body?: string },
): Promise<RawAnswer> {
  const where =
    target instanceof URL
      ? { host: target.hostname, port: target.port }
      : { socketPath: target.socket };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = httpRequest({ agent: false, ...where, ...options }, resolve);
  request.on("error", reject);
  request.end(options.body);
  const response = await promise;
  const text = Buffer.concat(await Array.fromAsync(response)).toString();
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}
