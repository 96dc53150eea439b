import type { BigIntStats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { textHash } from "../../lib/hash.ts";
import { type OpenFile, readBytes } from "./file-open.ts";

/** How far the lines of a file were read. It says which file that was, so that a restart goes on there and not in another file. */
export interface Place {
  /** Device and inode; "" for no file yet. */
  readonly file: string;
  /** Where that file stood. */
  readonly real: string;
  /** Behind the last whole line that was read. */
  readonly offset: number;
  /** Of its first bytes: an inode is soon given to another file, and a file may be written anew. */
  readonly head: { readonly bytes: number; readonly hash: string };
}

export interface Lines {
  readonly lines: readonly string[];
  readonly place: Place;
  /** There are more that have not been read. */
  readonly more: boolean;
}

const HEAD_BYTES = 1024;
/** Rotated files that are looked at to find the one that was read before. */
const ROTATED_MAX = 100;
const LINE_BREAK = 0x0a;

/** Before the first line of whatever file will be there. */
export const beforeAll: Place = {
  file: "",
  real: "",
  offset: 0,
  head: { bytes: 0, hash: textHash("") },
};

export function fileId({ dev, ino }: Pick<BigIntStats, "dev" | "ino">): string {
  return `${dev}:${ino}`;
}

/** The place behind the last whole line that is there now: what is appended from now on is new. */
export async function endOf(file: OpenFile, maxBytes: number): Promise<Place> {
  const size = Number(file.stats.size);
  const start = Math.max(0, size - maxBytes);
  const tail = await readBytes(file.handle, start, size - start);
  const last = tail.lastIndexOf(LINE_BREAK);
  // No line break in all of that: what follows counts as a line of its own.
  const offset = last === -1 ? (start === 0 ? 0 : start + tail.length) : start + last + 1;
  return placeAt(file, offset);
}

/**
 * The whole lines behind a place, at most so many bytes of them; a line without its end waits. When another file stands at the path now,
 * or the file has become shorter, first come the lines that were left in the old one, if it can be found under a new name, and then
 * those of the new one from its beginning. A file that came and went between two looks is not seen.
 */
export async function linesFrom(
  file: OpenFile,
  place: Place,
  maxBytes: number,
  openOld: (path: string) => Promise<OpenFile | undefined>,
): Promise<Lines> {
  if (await isOf(file, place)) return linesOf(file, place, maxBytes, false);
  const old = await oldFile(place, openOld);
  if (old === undefined) return linesOf(file, beforeAll, maxBytes, false);
  try {
    const rest = await linesOf(old, place, maxBytes, true);
    if (rest.more) return rest;
    const left = maxBytes - (rest.place.offset - place.offset);
    if (left <= 0) return { ...rest, place: beforeAll, more: true };
    const first = await linesOf(file, beforeAll, left, false);
    return { ...first, lines: [...rest.lines, ...first.lines] };
  } finally {
    await old.handle.close();
  }
}

/** Reads on in one file. `isOver`: nobody writes to it any more, and what is behind the last line break is a line. */
async function linesOf(
  file: OpenFile,
  { offset }: Place,
  maxBytes: number,
  isOver: boolean,
): Promise<Lines> {
  const bytes = await readBytes(file.handle, offset, maxBytes);
  const isFull = bytes.length === maxBytes;
  const last = bytes.lastIndexOf(LINE_BREAK);
  // A line longer than all that may be read comes in pieces.
  const end = (last === -1 && isFull) || (isOver && !isFull) ? bytes.length : last + 1;
  const text = bytes.subarray(0, end).toString("utf8");
  const lines = text === "" ? [] : text.replace(/\n$/, "").split("\n");
  return {
    lines: lines.map((line) => line.replace(/\r$/, "")),
    place: await placeAt(file, offset + end),
    more: isFull,
  };
}

async function placeAt(file: OpenFile, offset: number): Promise<Place> {
  const bytes = Math.min(offset, HEAD_BYTES);
  const hash = await headHash(file, bytes);
  return { file: fileId(file.stats), real: file.real, offset, head: { bytes, hash } };
}

async function isOf(file: OpenFile, { file: id, offset, head }: Place): Promise<boolean> {
  if (id !== fileId(file.stats) || Number(file.stats.size) < offset) return false;
  return (await headHash(file, head.bytes)) === head.hash;
}

async function headHash({ handle }: OpenFile, bytes: number): Promise<string> {
  return textHash(await readBytes(handle, 0, bytes));
}

/** The file that was read before, where a rotation has left it: at its own path when a link leads elsewhere now, or beside it with a longer name. */
async function oldFile(
  place: Place,
  openOld: (path: string) => Promise<OpenFile | undefined>,
): Promise<OpenFile | undefined> {
  if (place.file === "") return undefined;
  const folder = path.dirname(place.real);
  const name = path.basename(place.real);
  const names = await readdir(folder).catch(() => []);
  const candidates = names.filter((each) => each.startsWith(name)).slice(0, ROTATED_MAX);
  for (const candidate of candidates) {
    const file = path.join(folder, candidate);
    const stats = await stat(file, { bigint: true }).catch(() => undefined);
    if (stats === undefined || fileId(stats) !== place.file) continue;
    const opened = await openOld(file).catch(() => undefined);
    if (opened === undefined) continue;
    if (await isOf(opened, place)) return opened;
    await opened.handle.close();
  }
  return undefined;
}
