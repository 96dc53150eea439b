import { lstat, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { LegionError, messageOf } from "../lib/errors.ts";
import { isObject } from "../lib/json.ts";
import type { DaemonPlane } from "../reconcile/contract.ts";
import { isLoopback } from "./addresses.ts";
import { readDaemonFile } from "./daemon-file.ts";
import { strange } from "./ndjson.ts";
import { remotePlane } from "./remote-plane.ts";
import { fetchJson, isNobody, type Target, unreachable } from "./transport.ts";
import type { VersionAnswer } from "./wire.ts";

export interface ConnectOptions {
  /** The daemon of this state folder, by its socket. */
  readonly stateFolder?: string;
  /** Or the one at this URL: `https://host:port`, `127.0.0.1:7117`, `unix:/path/legion.sock`. */
  readonly address?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  /** Certificates in PEM form that are trusted besides those of the system. */
  readonly ca?: string;
  /** The version of the client, to tell of a daemon that differs. */
  readonly version?: string;
}

/** A daemon over HTTP. Every call has a connection of its own, so there is nothing to close. */
export interface Connection extends DaemonPlane {
  /** The path of the socket, or the URL. */
  readonly address: string;
  /** Of the daemon. */
  readonly version: string;
  /** What a person should know of: the daemon is of another version. */
  readonly warning?: string;
}

/** A living daemon answers this at once, a busy one soon. */
const GREETING_MS = 10_000;

/** The daemon of a state folder or at an address; undefined when nobody listens there. LEG8003 for one that does not answer, LEG8006 for a wrong token. */
export async function connect(options: ConnectOptions): Promise<Connection | undefined> {
  const target = await targetOf(options);
  if (target === undefined) return undefined;
  let greeting: VersionAnswer;
  try {
    greeting = greetingOf(
      await fetchJson(target, { method: "GET", path: "/v1/version", answerMs: GREETING_MS }),
    );
  } catch (error) {
    if (isNobody(error)) return undefined;
    throw error;
  }
  const { version } = greeting;
  const differs = options.version !== undefined && options.version !== version;
  return {
    ...remotePlane(target),
    address: target.address,
    version,
    ...(differs && {
      warning: `the daemon is of version ${version}, and this is ${options.version}: restart it with \`legion down\` and \`legion up\``,
    }),
  };
}

/** The same for what cannot be done without a daemon: LEG8001 when there is none. */
export async function requireDaemon(options: ConnectOptions): Promise<Connection> {
  const connection = await connect(options);
  if (connection !== undefined) return connection;
  throw unreachable(
    options.address === undefined
      ? `no daemon runs on the state folder ${options.stateFolder ?? ""}`.trimEnd()
      : `no daemon listens at ${options.address}`,
  );
}

async function targetOf(options: ConnectOptions): Promise<Target | undefined> {
  if (options.address !== undefined) return addressed(options.address, options);
  if (options.stateFolder === undefined) return undefined;
  let socket: string | undefined;
  try {
    socket = (await readDaemonFile(options.stateFolder))?.socket;
    if (socket === undefined) return undefined;
    await refuseForeignFolder(dirname(socket));
  } catch (error) {
    if (error instanceof LegionError) throw error;
    if (isObject(error) && error.code === "ENOENT") return undefined;
    throw unreachable(
      `the daemon of ${options.stateFolder} cannot be looked for: ${messageOf(error)}`,
      error,
    );
  }
  return { address: socket, socket };
}

/** After a restart of the machine anybody may have made a folder of that name in the temporary folder. */
async function refuseForeignFolder(folder: string): Promise<void> {
  const { uid } = await lstat(folder);
  const user = process.getuid?.() ?? uid;
  if (user !== uid && user !== 0)
    throw unreachable(`the folder of the socket, ${folder}, belongs to another user`);
}

async function addressed(address: string, options: ConnectOptions): Promise<Target> {
  if (address.startsWith("unix:")) {
    const socket = address.slice("unix:".length);
    return { address: socket, socket };
  }
  const url = URL.parse(/^https?:\/\//.test(address) ? address : `http://${address}`);
  if (url === null)
    throw new LegionError({
      code: "LEG8014",
      message: `"${address}" is not an address`,
      hint: "write https://HOST:PORT, 127.0.0.1:PORT or unix:PATH",
    });
  const token = options.token ?? (await tokenOf(options.tokenFile));
  if (token !== undefined && url.protocol === "http:" && !isLoopback(url.hostname))
    throw new LegionError({
      code: "LEG8022",
      message: `the token would cross the network to ${url.host} as plain text`,
      hint: `use https://${url.host}`,
    });
  const { ca } = options;
  return {
    address: url.origin,
    url,
    ...(token !== undefined && { token }),
    ...(ca !== undefined && { ca }),
  };
}

async function tokenOf(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    throw new LegionError(
      {
        code: "LEG8023",
        message: `the token file cannot be read: ${messageOf(error)}`,
        hint: "name the file that holds the token of the daemon",
      },
      error,
    );
  }
}

function greetingOf(value: unknown): VersionAnswer {
  if (isObject(value) && value.api === "v1" && typeof value.version === "string")
    return value as unknown as VersionAnswer;
  throw strange("what answers there is not a daemon of this API");
}
