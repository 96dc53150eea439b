import { isUtf8 } from "node:buffer";
import type { FileHandle } from "node:fs/promises";
import { LegionError } from "../../../lib/errors.ts";
import type { Json, JsonObject } from "../../../lib/json.ts";
import { formatSize } from "../../../lib/quantities.ts";
import { openGranted } from "./confine.ts";
import type { Granted } from "./granted.ts";

/** The most bytes of one read. */
export const READ_BYTES_MAX = 1024 * 1024;
/** Bytes that a UTF-8 character can have beyond its first. */
const CHARACTER_REST_MAX = 3;

/**
 * Text of a file, or its bytes as base64. `offset` and `limit` are bytes; a character that stands across an end belongs to the part
 * that it begins in, so parts that follow each other make up the whole.
 */
export async function read(granted: Granted, args: JsonObject): Promise<Json> {
  const given = String(args.path);
  const opened = await openGranted(granted, given, "file");
  try {
    const offset = Number(args.offset ?? 0);
    const wanted = args.limit === undefined ? READ_BYTES_MAX : Number(args.limit);
    const bytes = await readPart(opened.handle, offset, wanted + CHARACTER_REST_MAX);
    if (args.limit === undefined && bytes.length > READ_BYTES_MAX)
      throw tooLarge(given, opened.stats.size);
    return args.encoding === "base64"
      ? bytes.subarray(0, wanted).toString("base64")
      : text(bytes, offset, wanted, given);
  } finally {
    await opened.handle.close();
  }
}

/** Up to `length` bytes from `offset`; the size that stat tells is not trusted, files grow and shrink. */
async function readPart(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { size } = await handle.stat();
  // Some file systems say that a file is empty until it is read.
  const expected = size === 0 ? length : Math.min(length, Math.max(0, size - offset) + 1);
  const buffer = Buffer.alloc(expected);
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(
      buffer,
      filled,
      buffer.length - filled,
      offset + filled,
    );
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

function text(bytes: Buffer, offset: number, wanted: number, given: string): string {
  let start = 0;
  if (offset > 0) while (start < CHARACTER_REST_MAX && isContinuation(bytes[start])) start += 1;
  let end = Math.min(bytes.length, wanted);
  while (end < bytes.length && end > start && isContinuation(bytes[end])) end += 1;
  const part = bytes.subarray(start, Math.max(start, end));
  if (!isUtf8(part) || part.includes(0)) {
    throw new LegionError({
      code: "LEG4025",
      message: `"${given}" is not UTF-8 text`,
      hint: 'pass encoding: "base64" to get its bytes',
      example: `await tools.files.read(${JSON.stringify({ path: given, encoding: "base64" })})`,
    });
  }
  // A byte order mark is not part of the text.
  return part.toString("utf8").replace(offset === 0 ? /^\uFEFF/ : /$^/, "");
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

function tooLarge(given: string, size: number): LegionError {
  return new LegionError({
    code: "LEG4024",
    message: `"${given}" has ${formatSize(size)}, and one read returns at most ${formatSize(READ_BYTES_MAX)}`,
    hint: "read it in parts with offset and limit, in bytes",
    example: `await tools.files.read(${JSON.stringify({ path: given, offset: 0, limit: 100_000 })})`,
  });
}
