import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { LegionError, messageOf } from "../lib/errors.ts";
import type { DaemonPlane, ObjectPlane } from "../reconcile/contract.ts";
import type { CommandContext } from "./context.ts";
import { emptyPlane } from "./plane-empty.ts";
import { shownPath } from "./shown-path.ts";

export const STATE_FOLDER_DEFAULT = ".legion";

export interface PlaneOptions {
  readonly stateDir?: string | undefined;
  /** The address of a daemon: a socket path, or https://HOST:PORT. */
  readonly server?: string | undefined;
  readonly tokenFile?: string | undefined;
  /** Certificates in PEM form that are trusted besides those of the system. */
  readonly caFile?: string | undefined;
  readonly quiet?: boolean;
}

/**
 * What a command does with objects: `read`; `edit` ones that are there; `create` some, which makes the state folder when
 * there is none.
 */
export type Access = "read" | "edit" | "create";

export interface OpenPlane extends AsyncDisposable {
  readonly plane: ObjectPlane;
  /** The same plane, when a daemon serves it. */
  readonly daemon?: DaemonPlane;
}

/**
 * The plane of the daemon that runs on the state folder or at the address; without one the state folder itself, which is
 * said on stderr. Throws LEG8001 when an address is given and nobody answers there.
 */
export async function openPlane(
  context: CommandContext,
  options: PlaneOptions & { readonly access: Access },
): Promise<OpenPlane> {
  const daemon = await findDaemon(context, options);
  if (daemon !== undefined) return { plane: daemon, daemon, ...nothingToClose };
  if (options.server !== undefined) throw unreachable(`no daemon answers at ${options.server}`);
  const { cwd, env, signal } = context;
  const stateFolder = stateFolderOf(context, options);
  const shown = shownPath(cwd, stateFolder);
  const say = (text: string) => {
    if (options.quiet !== true) context.stderr.write(`${text}\n`);
  };
  if (options.access !== "create" && !existsSync(stateFolder)) {
    say(`nothing was applied yet: there is no state folder ${shown}`);
    return { plane: emptyPlane, ...nothingToClose };
  }
  const isRead = options.access === "read";
  say(
    isRead
      ? `no daemon runs here: reading the state folder ${shown} as the last one left it`
      : `no daemon runs here: changing the state folder ${shown}`,
  );
  const { openFolderPlane } = await import("../folder-plane.ts");
  const plane = await openFolderPlane({ stateFolder, env, write: !isRead, signal });
  return { plane, [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose]() };
}

/** The plane of the daemon. Throws LEG8001 when none runs. */
export async function openDaemon(
  context: CommandContext,
  options: PlaneOptions,
): Promise<OpenPlane & { readonly daemon: DaemonPlane }> {
  const daemon = await findDaemon(context, options);
  if (daemon !== undefined) return { plane: daemon, daemon, ...nothingToClose };
  const place = options.server ?? `the state folder ${options.stateDir ?? STATE_FOLDER_DEFAULT}`;
  throw unreachable(`no daemon answers at ${place}`);
}

/** The absolute path of the state folder of a command. */
export function stateFolderOf({ cwd }: CommandContext, { stateDir }: PlaneOptions): string {
  return resolve(cwd, stateDir ?? STATE_FOLDER_DEFAULT);
}

async function findDaemon(
  context: CommandContext,
  options: PlaneOptions,
): Promise<DaemonPlane | undefined> {
  const { server, quiet } = options;
  const stateFolder = stateFolderOf(context, options);
  // Without a daemon the client is not needed, which takes longer to load than most commands to run.
  const { mayHaveDaemon } = await import("../api/daemon-file.ts");
  if (server === undefined && !(await mayHaveDaemon(stateFolder))) return undefined;
  const { connect } = await import("../api/client.ts");
  const { legionVersion } = await import("./version.ts");
  const version = await legionVersion();
  const target = server === undefined ? { stateFolder } : await addressed(server, context, options);
  const connection = await connect({ ...target, version }).catch(tellTokenFlag);
  const warning = connection?.warning;
  if (warning !== undefined && quiet !== true) context.stderr.write(`warning: ${warning}\n`);
  return connection;
}

/** What the server says of its header is nothing that a person at a command line can do. */
function tellTokenFlag(error: unknown): never {
  if (!(error instanceof LegionError) || error.code !== "LEG8006") throw error;
  throw new LegionError({
    ...error.toJSON(),
    hint: `name the token of the daemon: --token-file ${STATE_FOLDER_DEFAULT}/token, a file of its state folder`,
  });
}

async function addressed(address: string, { cwd }: CommandContext, options: PlaneOptions) {
  const { tokenFile, caFile } = options;
  return {
    address,
    ...(tokenFile !== undefined && { tokenFile: resolve(cwd, tokenFile) }),
    ...(caFile !== undefined && { ca: await readCertificates(resolve(cwd, caFile)) }),
  };
}

async function readCertificates(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new LegionError({
      code: "LEG7001",
      message: `--ca-file cannot be read: ${messageOf(error)}`,
      hint: "name a file with certificates in PEM form",
    });
  }
}

const nothingToClose = { [Symbol.asyncDispose]: async () => {} };

function unreachable(message: string): LegionError {
  return new LegionError({
    code: "LEG8001",
    message,
    hint: "start one with legion up, or name its state folder with --state-dir",
  });
}
