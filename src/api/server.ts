import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import { type Clock, systemClock } from "../lib/clock.ts";
import { LegionError, messageOf } from "../lib/errors.ts";
import { makeFolder } from "../lib/folders.ts";
import type { Log } from "../lib/log.ts";
import type { DaemonPlane } from "../reconcile/contract.ts";
import { hostsOf } from "./access.ts";
import { bareHost, isLoopback, urlOf } from "./addresses.ts";
import { type AppOptions, createApp, LIMITS, type Limits } from "./app.ts";
import { type DaemonFile, removeDaemonFile, writeDaemonFile } from "./daemon-file.ts";
import { closing } from "./failure.ts";
import { listenAt, prepareSocket, socketPathOf } from "./socket.ts";
import { createStaging, STAGING_LIMITS, type StagingLimits } from "./staging.ts";
import { ownToken, readToken } from "./token.ts";

export interface TcpOptions {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** In place of the token that the daemon makes for itself in the state folder. */
  readonly tokenFile?: string;
  /** PEM files; without them only loopback addresses are listened on. */
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** Further names that the Host header may have. */
  readonly hosts?: readonly string[];
}

export interface ServerOptions {
  readonly plane: DaemonPlane;
  /** Holds daemon.json, the token and, unless told otherwise, the socket. */
  readonly stateFolder: string;
  readonly socketPath?: string;
  /** This process is known to be the one owner of the state folder: who listens there has lost it. */
  readonly isOwner?: boolean;
  readonly tcp?: TcpOptions;
  readonly version: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly clock?: Clock;
  readonly log?: Pick<Log, "error">;
  /** Told of internal errors, with the id that the client got. */
  readonly onRequestError?: (id: string, error: unknown, route: string) => void;
  readonly limits?: Partial<Limits>;
  readonly staging?: Partial<StagingLimits>;
}

export interface ApiServer {
  /** The path of the socket. */
  readonly socket: string;
  /** The URL of the TCP listener. */
  readonly address?: string;
  /** Accepts nothing more, ends streams, lets those who wait for an answer have it within the grace time. */
  close(graceMs: number): Promise<void>;
}

/** How often uploads that nobody goes on with are looked for. */
const SWEEP_MS = 30_000;
/** How long the last lines may take to leave once everybody is sent away. */
const FLUSH_MS = 500;

/** Serves the plane of a daemon on its socket and, where that is asked for, on TCP; then tells clients by daemon.json. */
export async function startServer(options: ServerOptions): Promise<ApiServer> {
  const { plane, stateFolder, version, startedAt, tcp } = options;
  const stack = new AsyncDisposableStack();
  const ending = new AbortController();
  const forced = new AbortController();
  const staging = createStaging(options.clock ?? systemClock, {
    ...STAGING_LIMITS,
    ...options.staging,
  });
  const common: Omit<AppOptions, "access"> = {
    services: { plane, staging, version },
    limits: { ...LIMITS, ...options.limits },
    closing: ending.signal,
    forced: forced.signal,
    onError: teller(options),
  };
  const apps: FastifyInstance[] = [];
  const open = async (access: TcpAccess) => {
    const app = await createApp({ ...common, ...access });
    apps.push(app);
    return app;
  };
  stack.defer(async () => {
    await Promise.all(apps.map((app) => closeApp(app, forced.signal)));
  });
  const close = async (graceMs: number) => {
    ending.abort(closing());
    const force = setTimeout(() => forced.abort(closing()), graceMs);
    await stack.disposeAsync().finally(() => clearTimeout(force));
  };
  try {
    await makeFolder(stateFolder, 0o700);
    // Whatever can be refused is refused before the first listener opens.
    const remote = tcp && (await tcpAccess(tcp, stateFolder));
    const socket = options.socketPath ?? (await socketPathOf(stateFolder));
    const local = await open({ access: { hosts: hostsOf([]) } });
    stack.defer(await listenOnSocket(local, socket, options.isOwner === true));
    const address = tcp && remote && (await listenOnTcp(await open(remote), tcp, remote));
    const where = { socket, ...(address !== undefined && { address }) };
    const file: DaemonFile = { pid: process.pid, ...where, startedAt, version };
    await writeDaemonFile(stateFolder, file);
    stack.defer(() => removeDaemonFile(stateFolder, file));
    const sweeper = setInterval(() => staging.sweep(), SWEEP_MS).unref();
    stack.defer(() => clearInterval(sweeper));
    return { ...where, close };
  } catch (error) {
    await close(0);
    throw error;
  }
}

/** Ends when all requests have been answered, or soon after everybody was sent away. */
async function closeApp(app: FastifyInstance, forced: AbortSignal): Promise<void> {
  let flush: NodeJS.Timeout | undefined;
  const cut = () => {
    flush = setTimeout(() => app.server.closeAllConnections(), FLUSH_MS);
  };
  forced.addEventListener("abort", cut, { once: true });
  if (forced.aborted) cut();
  await app.close().finally(() => clearTimeout(flush));
}

function teller({ log, onRequestError }: ServerOptions): AppOptions["onError"] {
  return (id, error, route) => {
    log?.error({ id, route, err: error }, "a request failed");
    onRequestError?.(id, error, route);
  };
}

/** What takes the socket away again. */
async function listenOnSocket(
  app: FastifyInstance,
  socket: string,
  isOwner: boolean,
): Promise<() => Promise<void>> {
  await prepareSocket(socket, isOwner);
  try {
    return await listenAt(socket, (path) => app.listen({ path }));
  } catch (error) {
    throw refused(`cannot listen at ${socket}`, error);
  }
}

/** Who may speak to a listener, and how. */
type TcpAccess = Pick<AppOptions, "access" | "tls">;

async function tcpAccess(tcp: TcpOptions, stateFolder: string): Promise<TcpAccess> {
  const { host, tokenFile, tlsCert, tlsKey } = tcp;
  const tls = await tlsOf(tlsCert, tlsKey);
  if (tls === undefined && !isLoopback(host))
    throw new LegionError({
      code: "LEG8022",
      message: `${host} is reached by other machines, and there is no certificate`,
      hint: "listen on 127.0.0.1, or give --tls-cert and --tls-key",
      example: `legion up --listen ${host}:${tcp.port} --tls-cert server.crt --tls-key server.key`,
    });
  const token = await (tokenFile === undefined ? ownToken(stateFolder) : readToken(tokenFile));
  const hosts = hostsOf([host, ...(tcp.hosts ?? [])]);
  return { access: { hosts, token }, ...(tls && { tls }) };
}

async function tlsOf(
  cert: string | undefined,
  key: string | undefined,
): Promise<AppOptions["tls"]> {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw certificate("a certificate and its key belong together, and one of them is missing");
  try {
    const pair = { cert: await readFile(cert, "utf8"), key: await readFile(key, "utf8") };
    const { createSecureContext } = await import("node:tls");
    createSecureContext(pair);
    return pair;
  } catch (error) {
    throw certificate(`the certificate cannot be used: ${messageOf(error)}`, error);
  }
}

async function listenOnTcp(
  app: FastifyInstance,
  { host, port }: TcpOptions,
  { tls }: TcpAccess,
): Promise<string> {
  // The name stands for two addresses, which would be two listeners.
  const address = host === "localhost" ? "127.0.0.1" : bareHost(host);
  try {
    await app.listen({ host: address, port });
  } catch (error) {
    throw refused(`cannot listen on ${host}:${port}`, error);
  }
  const listening = app.server.address() as AddressInfo;
  return urlOf(tls === undefined ? "http" : "https", address, listening.port);
}

function refused(message: string, error: unknown): LegionError {
  return new LegionError(
    {
      code: "LEG8024",
      message: `${message}: ${messageOf(error)}`,
      hint: "name another address or state folder, or stop what listens there",
    },
    error,
  );
}

function certificate(message: string, cause?: unknown): LegionError {
  return new LegionError(
    { code: "LEG8025", message, hint: "give PEM files of a certificate and of its key" },
    cause,
  );
}
