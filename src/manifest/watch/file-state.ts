import { createHash } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { REFERENCED_BYTES_MAX } from "../limits.ts";
import { STAMP_TRUST_MS } from "./limits.ts";

/** What a file held when it was read. */
export interface FileState {
  readonly digest: string;
  /** Whether the file certainly still holds that, told without reading it. */
  isCurrent(): Promise<boolean>;
}

/** Hashes a file; undefined when it is not there. It reads regular files only, and no more than a file may have. */
export async function fileState(file: string, nowMs: () => number): Promise<FileState | undefined> {
  let handle: FileHandle | undefined;
  const readMs = nowMs();
  try {
    // Without O_NONBLOCK a named pipe put there would hold up the thread that opens it.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = await handle.stat();
    const digest = await digestOf(handle, status);
    // The stamp is from before the reading: a write meanwhile gives the file another one.
    return { digest, isCurrent: () => hasStamp(file, status, readMs) };
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    return { digest: `unreadable:${code}`, isCurrent: async () => false };
  } finally {
    await handle?.close();
  }
}

async function digestOf(handle: FileHandle, status: Stats): Promise<string> {
  if (!status.isFile()) return "unreadable:not-a-file";
  const hash = createHash("sha256");
  const chunk = Buffer.allocUnsafe(Math.min(status.size + 1, 1 << 16));
  for (let total = 0; total <= REFERENCED_BYTES_MAX; ) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, null);
    if (bytesRead === 0) return hash.digest("hex");
    hash.update(chunk.subarray(0, bytesRead));
    total += bytesRead;
  }
  return `unreadable:too-large:${status.size}:${status.mtimeMs}`;
}

/**
 * Whether a file has the stamp that it had when it was read. A stamp younger than two seconds at that time is not trusted:
 * another write within the grain of the file system's clock would have left the same one.
 */
async function hasStamp(file: string, then: Stats, readMs: number): Promise<boolean> {
  if (readMs - Math.max(then.mtimeMs, then.ctimeMs) < STAMP_TRUST_MS) return false;
  try {
    const now = await stat(file);
    return stampFields.every((field) => now[field] === then[field]);
  } catch {
    return false;
  }
}

/** The time of the last change of the inode as well: a program can set the other times back, not this one. */
const stampFields = ["size", "mtimeMs", "ctimeMs", "ino", "dev"] as const;
