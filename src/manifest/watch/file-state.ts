import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { REFERENCED_BYTES_MAX } from "../limits.ts";
import { hasStamp, isTrusted, stampOf } from "../stamp.ts";

/** What a file held when it was read. */
export interface FileState {
  readonly digest: string;
  /** Whether the file certainly still holds that, told without reading it. */
  isCurrent(): boolean;
}

/** What files are read into, one after the other. */
const chunk = Buffer.allocUnsafeSlow(1 << 16);

/**
 * Hashes a file; undefined when it is not there. It reads regular files only, and no more than a file may have. It does not
 * wait: for files of this size, handing each step to another thread takes many times as long as the reading.
 */
export function fileState(file: string, nowMs: () => number): FileState | undefined {
  let handle: number | undefined;
  const readMs = nowMs();
  try {
    // Without O_NONBLOCK a named pipe put there would hold up this thread.
    handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = fstatSync(handle);
    const digest = digestOf(handle, status);
    // The stamp is from before the reading: a write meanwhile gives the file another one.
    const stamp = stampOf(status);
    const isSettled = isTrusted(status, readMs);
    return { digest, isCurrent: () => isSettled && hasStamp(file, stamp) };
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    return { digest: `unreadable:${code}`, isCurrent: () => false };
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

function digestOf(handle: number, status: Stats): string {
  if (!status.isFile()) return "unreadable:not-a-file";
  const hash = createHash("sha256");
  for (let total = 0; total <= REFERENCED_BYTES_MAX; ) {
    const bytesRead = readSync(handle, chunk, 0, chunk.length, null);
    if (bytesRead === 0) return hash.digest("hex");
    hash.update(chunk.subarray(0, bytesRead));
    total += bytesRead;
  }
  return `unreadable:too-large:${status.size}:${status.mtimeMs}`;
}
