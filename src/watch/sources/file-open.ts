import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, lstat, open, readlink, realpath, stat } from "node:fs/promises";
import { type Closed, closedPlaces, closedReason } from "../../tools/builtins/files/closed.ts";
import { LookFault, type SourceDeps } from "./look.ts";

/** A file that is open for a look. Whoever gets it closes it. */
export interface OpenFile {
  readonly handle: FileHandle;
  readonly stats: BigIntStats;
  /** Where it stands, links followed. */
  readonly real: string;
  /** Its size and times mean nothing: the system makes up what is in it when it is read. */
  readonly isLive: boolean;
}

/** What the system shows as files of a process holds its environment and its memory; the memory of all is there, too, and messages that are gone once they are read. */
const ofProcess = /^\/proc\/(\d+|self|thread-self|kcore|kmsg|vmcore)(\/|$)/;
const live = /^\/(proc|sys)\//;

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/**
 * Opens a regular file, by its absolute path, and names it in errors as the manifest does; undefined where there is none. Secrets of the manifests and the state folder stay closed, also behind links, and
 * pipes and devices are not opened: looking at one can hang, or change it. Throws a LookFault.
 */
export async function openFile(
  file: string,
  path: string,
  { stateFolder, secretFiles }: Pick<SourceDeps, "stateFolder" | "secretFiles">,
): Promise<OpenFile | undefined> {
  const links = { realpath, readlink };
  const closed = await closedPlaces({ stateFolder, deniedFiles: secretFiles() }, links);
  let handle: FileHandle | undefined;
  try {
    const real = await realpath(file);
    requireOpen(closed, real, path);
    requireFile(await lstat(real), path);
    handle = await open(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const stats = await handle.stat({ bigint: true });
    requireFile(stats, path);
    requireOpen(closed, await placeOf(handle, stats, real), path);
    if (stats.nlink > 1n) await requireNoSecret(closed, stats, path);
    return { handle, stats, real, isLive: live.test(real) };
  } catch (error) {
    await handle?.close();
    if (error instanceof LookFault) throw error;
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw code === "EACCES" || code === "EPERM"
      ? new LookFault("denied", `the user that runs legion may not read "${path}"`, {}, error)
      : new LookFault("unreadable", `"${path}" cannot be read (${code})`, {}, error);
  }
}

function requireOpen(closed: Closed, real: string, path: string): void {
  const reason = ofProcess.test(real)
    ? "it holds secrets of processes"
    : closedReason(closed, real);
  if (reason !== undefined) throw new LookFault("denied", `"${path}" is closed: ${reason}`);
}

function requireFile(
  stats: { isFile(): boolean; isDirectory(): boolean; isFIFO(): boolean; isSocket(): boolean },
  path: string,
): void {
  if (stats.isFile()) return;
  const noun = stats.isDirectory()
    ? "a folder"
    : stats.isFIFO()
      ? "a pipe"
      : stats.isSocket()
        ? "a socket"
        : "a device";
  throw new LookFault("not_a_file", `"${path}" is ${noun}, not a file`);
}

/** Where the open file stands: a folder of its path may have become a link meanwhile. Linux tells. */
async function placeOf(handle: FileHandle, { nlink }: BigIntStats, real: string): Promise<string> {
  if (process.platform !== "linux") return real;
  const link = await readlink(`/proc/self/fd/${handle.fd}`);
  return nlink === 0n ? link.replace(/ \(deleted\)$/, "") : link;
}

/** A second name of a file is no way to it either. */
async function requireNoSecret(
  { files }: Closed,
  { dev, ino }: BigIntStats,
  path: string,
): Promise<void> {
  for (const file of files) {
    const secret = await stat(file, { bigint: true }).catch(() => undefined);
    if (secret?.dev === dev && secret.ino === ino)
      throw new LookFault("denied", `"${path}" is closed: it holds a secret of the manifests`);
  }
}

/** Up to so many bytes of an open file from a place on. */
export async function readBytes(
  handle: FileHandle,
  offset: number,
  length: number,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let done = 0;
  while (done < length) {
    // In pieces: most files are much smaller than what may be read.
    const piece = Buffer.allocUnsafe(Math.min(64 * 1024, length - done));
    const { bytesRead } = await handle.read(piece, 0, piece.length, offset + done);
    if (bytesRead === 0) break;
    chunks.push(piece.subarray(0, bytesRead));
    done += bytesRead;
  }
  return Buffer.concat(chunks);
}
