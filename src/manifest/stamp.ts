import { type Stats, statSync } from "node:fs";
import { STAMP_TRUST_MS } from "./watch/limits.ts";

/** What the file system tells of a file, and tells otherwise once the file changes. */
export type FileStamp = readonly number[];

/** The time of the last change of the inode as well: a program can set the other times back, not this one. */
export function stampOf({ size, mtimeMs, ctimeMs, ino, dev }: Stats): FileStamp {
  return [size, mtimeMs, ctimeMs, ino, dev];
}

/**
 * Whether a stamp that a file has now will not be that of other content. One younger than two seconds may: another write
 * within the grain of the file system's clock leaves the same one.
 */
export function isTrusted({ mtimeMs, ctimeMs }: Stats, nowMs: number): boolean {
  return nowMs - Math.max(mtimeMs, ctimeMs) >= STAMP_TRUST_MS;
}

/** Whether a file has the stamp that it had when it was read. */
export function hasStamp(file: string, then: FileStamp): boolean {
  try {
    return isSameStamp(stampOf(statSync(file)), then);
  } catch {
    return false;
  }
}

function isSameStamp(a: FileStamp, b: FileStamp): boolean {
  return a.length === b.length && a.every((part, index) => part === b[index]);
}
