import { randomBytes } from "node:crypto";
import { chmod, lstat, mkdir, realpath, rename, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { LegionError, messageOf } from "../lib/errors.ts";
import { makeFolder } from "../lib/folders.ts";
import { textHash } from "../lib/hash.ts";
import { isObject } from "../lib/json.ts";

/** sun_path holds 108 bytes with the zero at its end on Linux, 104 on macOS. */
const SOCKET_PATH_BYTES_MAX = process.platform === "linux" ? 107 : 103;
const FILE_NAME = "legion.sock";
/** A living daemon accepts at once. */
const PROBE_MS = 2_000;

/** Where the socket of a state folder is: in the folder itself, or in a short place of this user when the path is too long for a socket. */
export async function socketPathOf(
  stateFolder: string,
  env: { readonly XDG_RUNTIME_DIR?: string | undefined } = process.env,
): Promise<string> {
  const usual = join(resolve(stateFolder), "run", FILE_NAME);
  if (fits(usual)) return usual;
  const folder = textHash(await realpath(stateFolder)).slice(0, 16);
  const user = `legion-${process.getuid?.() ?? 0}`;
  const places = [
    ...(env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, "legion")] : []),
    join(tmpdir(), user),
    join("/tmp", user),
  ];
  const path = places.map((place) => join(place, folder, FILE_NAME)).find(fits);
  if (path !== undefined) return path;
  throw new LegionError({
    code: "LEG8024",
    message: `no path for the socket is short enough: ${usual}`,
    hint: `name a state folder of a shorter path: ${SOCKET_PATH_BYTES_MAX} bytes with /run/${FILE_NAME}`,
  });
}

/**
 * Makes the folder of the socket, for this user only, and looks whether the path is free: LEG8021 for what is no socket, and
 * for one that a process listens at, unless that is known to be a daemon that has lost the folder. A dead one is no hindrance.
 */
export async function prepareSocket(path: string, isOwner = false): Promise<void> {
  const folder = dirname(path);
  // In a shared temporary folder the one above is ours as well.
  if (basename(dirname(folder)).startsWith("legion")) await privateFolder(dirname(folder));
  await privateFolder(folder);
  const there = await lstat(path).catch(() => undefined);
  if (there === undefined) return;
  if (!there.isSocket())
    throw inUse(`${path} is not a socket`, "remove what stands there, or name another folder");
  if (!isOwner && (await answers(path)))
    throw inUse(`a process listens at ${path} already`, "stop it with `legion down`");
  await rm(path, { force: true });
}

/**
 * Listens at the path, for this user only, in place of what was there. The socket is made beside it and renamed: a listener
 * that ends removes the path it was made at, and a daemon that lost the folder must not take away its successor's.
 * Returns what removes the path, unless it is another's by then.
 */
export async function listenAt(
  path: string,
  listen: (path: string) => Promise<unknown>,
): Promise<() => Promise<void>> {
  // Not longer than the name of the socket, for which there is room.
  const made = join(dirname(path), randomBytes(5).toString("hex"));
  try {
    await listen(made);
    // The folder keeps others out already; the mode of the socket says the same whatever the umask is.
    await chmod(made, 0o600);
    await rename(made, path);
  } catch (error) {
    await rm(made, { force: true });
    throw error;
  }
  const { ino } = await lstat(path);
  return async () => {
    const there = await lstat(path).catch(() => undefined);
    if (there?.ino === ino) await rm(path, { force: true });
  };
}

/** LEG8020 for what is no folder of this user's own; a folder that others may enter is closed to them. */
async function privateFolder(folder: string): Promise<void> {
  try {
    await makeFolder(dirname(folder), 0o700);
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (!isObject(error) || error.code !== "EEXIST")
      throw unsafe(`the folder ${folder} cannot be made: ${messageOf(error)}`, error);
  }
  const { uid } = await ownFolder(folder);
  if (uid !== process.getuid?.() && process.getuid !== undefined)
    throw unsafe(`${folder} belongs to another user`);
  await chmod(folder, 0o700);
  if (((await ownFolder(folder)).mode & 0o777) !== 0o700)
    throw unsafe(`others may enter ${folder}, and it cannot be changed`);
}

async function ownFolder(folder: string): Promise<{ uid: number; mode: number }> {
  const found = await lstat(folder);
  if (!found.isDirectory()) throw unsafe(`${folder} is not a folder`);
  return found;
}

async function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createConnection(path);
  socket.on("connect", () => resolve(true));
  // Refused or gone: nobody. Anything else, for example a full queue of connections, is somebody.
  socket.on("error", (error) => {
    resolve(!("code" in error) || !["ECONNREFUSED", "ENOENT"].includes(String(error.code)));
  });
  const timer = setTimeout(() => resolve(true), PROBE_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX;
}

function unsafe(message: string, cause?: unknown): LegionError {
  return new LegionError(
    { code: "LEG8020", message, hint: "remove it, or name another state folder" },
    cause,
  );
}

function inUse(message: string, hint: string): LegionError {
  return new LegionError({ code: "LEG8021", message, hint });
}
