import { constants, type Stats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { LegionError } from "../../../lib/errors.ts";
import { type FileSystem, type Granted, lexicalPath, requireOpen, shownPath } from "./granted.ts";
import { missing } from "./missing.ts";
import { outside, requireType, unopened } from "./refusals.ts";

/** A file or folder that is open and known to be inside a granted folder. Whoever gets it closes it. */
export interface Opened {
  readonly handle: FileHandle;
  readonly stats: Stats;
  /** Real path of what is open. */
  readonly real: string;
  /** The path as callers write it. */
  readonly shown: string;
}

/**
 * Opens a path for reading, never outside the granted folders, also when the disk is changed meanwhile: what counts is where the
 * open file is, looked up after it was opened. Pipes, sockets and devices are not opened, and a late swap to one does not hang.
 */
export async function openGranted(
  granted: Granted,
  given: string,
  type: "file" | "folder",
): Promise<Opened> {
  const absolute = lexicalPath(granted, given);
  let real: string;
  try {
    real = await granted.fileSystem.realpath(absolute);
  } catch (error) {
    throw await missing(granted, error, absolute, given);
  }
  requireOpen(granted, real, given);
  return openReal(granted, real, given, type);
}

/** The second half of openGranted, for a real path that was found by walking a granted folder. */
export async function openReal(
  granted: Granted,
  real: string,
  given: string,
  type: "file" | "folder",
): Promise<Opened> {
  const { fileSystem } = granted;
  let handle: FileHandle | undefined;
  try {
    requireType(await fileSystem.lstat(real), given, type);
    handle = await fileSystem.open(real, flags[type]);
    const stats = await handle.stat();
    requireType(stats, given, type);
    const place = await placeOf(fileSystem, handle, stats, real);
    if (place === undefined) throw outside(granted, given);
    requireOpen(granted, place, given);
    return { handle, stats, real: place, shown: shownPath(granted, place) };
  } catch (error) {
    await handle?.close();
    throw error instanceof LegionError ? error : unopened(granted, error, given);
  }
}

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } = constants;
const flags = {
  file: O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
  folder: O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_DIRECTORY,
};

/** Where an open file is now. Linux tells; elsewhere its path must still be real and lead to the same file. */
async function placeOf(
  fileSystem: FileSystem,
  handle: FileHandle,
  stats: Stats,
  real: string,
): Promise<string | undefined> {
  if (process.platform === "linux") {
    const link = await fileSystem.readlink(`/proc/self/fd/${handle.fd}`);
    // A file that was replaced while it was open keeps its place, with this suffix.
    return stats.nlink === 0 ? link.replace(/ \(deleted\)$/, "") : link;
  }
  const [again, now] = await Promise.all([fileSystem.realpath(real), fileSystem.lstat(real)]);
  return now.dev === stats.dev && now.ino === stats.ino ? again : undefined;
}
