import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { formatSize } from "../lib/quantities.ts";
import type { Fault } from "./fault.ts";
import { FILE_BYTES_MAX } from "./limits.ts";
import { notAFile, readFault } from "./path-faults.ts";
import type { SourceText } from "./source-text.ts";

/** A file as text, or why it is not one. */
export type ReadText =
  | { readonly ok: true; readonly source: SourceText }
  | { readonly ok: false; readonly fault: Fault };

/** The bytes of a file, or why there are none. */
export type ReadBytes =
  /** The status is from before the reading: a write meanwhile gives the file another one. */
  | { readonly ok: true; readonly bytes: Buffer; readonly status: Stats }
  | { readonly ok: false; readonly fault: Fault };

/** Reads a file that is regular, small enough and UTF-8. */
export function readText(
  file: string,
  shown: string,
  cwd: string,
  bytesMax = FILE_BYTES_MAX,
): ReadText {
  const read = readBytes(file, shown, cwd, bytesMax);
  return read.ok ? decode(read.bytes, file, shown, bytesMax) : read;
}

/**
 * Reads a file that is regular and small enough. A named pipe put there in the meantime cannot hold it up. It does not
 * wait: for files of this size, handing each step to another thread takes many times as long as the reading.
 */
export function readBytes(
  file: string,
  shown: string,
  cwd: string,
  bytesMax = FILE_BYTES_MAX,
): ReadBytes {
  let handle: number | undefined;
  try {
    handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = fstatSync(handle);
    if (!status.isFile()) return { ok: false, fault: notAFile(file, cwd, status) };
    if (status.size > bytesMax)
      return { ok: false, fault: tooLarge(file, shown, status.size, bytesMax) };
    // One byte more than it may have, as the size that a file tells need not be true.
    const bytes = readUpTo(handle, status.size === 0 ? bytesMax + 1 : status.size);
    return bytes.length > bytesMax
      ? { ok: false, fault: tooLarge(file, shown, bytes.length, bytesMax) }
      : { ok: true, bytes, status };
  } catch (error) {
    return { ok: false, fault: readFault(file, shown, error as NodeJS.ErrnoException) };
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

function readUpTo(handle: number, bytesMax: number): Buffer {
  const chunks: Buffer[] = [];
  let total = 0;
  while (total < bytesMax) {
    const chunk = Buffer.allocUnsafe(Math.min(bytesMax - total, 1 << 16));
    const bytesRead = readSync(handle, chunk, 0, chunk.length, null);
    if (bytesRead === 0) break;
    chunks.push(chunk.subarray(0, bytesRead));
    total += bytesRead;
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** Bytes as text: not too many, UTF-8, without NUL; a byte order mark is left off. */
export function decode(
  bytes: Buffer,
  file: string,
  shown: string,
  bytesMax = FILE_BYTES_MAX,
): ReadText {
  if (bytes.length > bytesMax)
    return { ok: false, fault: tooLarge(file, shown, bytes.length, bytesMax) };
  const nul = bytes.indexOf(0);
  if (nul !== -1)
    return notText(
      file,
      shown,
      `there is a NUL byte at byte ${nul}`,
      "save it as plain text in UTF-8",
    );
  const source = sourceOf(bytes, shown);
  if (source.text.includes("\ufffd")) {
    const offset = invalidOffset(bytes);
    if (offset !== undefined)
      return notText(
        file,
        shown,
        `it is not UTF-8: byte ${offset} begins no character`,
        "save it as UTF-8",
      );
  }
  return { ok: true, source };
}

/** Whether the digest of a file is one, rather than the reason why there is none. */
export function isSha256(digest: string): boolean {
  return /^[0-9a-f]{64}$/.test(digest);
}

/** Bytes that are known to be text; they are made one when somebody asks for it. */
export function sourceOf(bytes: Buffer, shown: string): SourceText {
  const skippedBytes = bytes.subarray(0, 3).equals(byteOrderMark) ? 3 : 0;
  let text: string | undefined;
  return {
    shown,
    skippedBytes,
    get text() {
      text ??= bytes.toString("utf8", skippedBytes);
      return text;
    },
  };
}

/** The text of a file that nobody has opened: it is read when somebody asks for it, as the file is then. */
export function unopenedSource(file: string, shown: string, cwd: string): SourceText {
  let source: SourceText | undefined;
  const opened = () => {
    if (source !== undefined) return source;
    const read = readText(file, shown, cwd);
    source = read.ok ? read.source : { shown, text: "", skippedBytes: 0 };
    return source;
  };
  return {
    shown,
    get text() {
      return opened().text;
    },
    get skippedBytes() {
      return opened().skippedBytes;
    },
  };
}

/** The offset of the first byte that is not part of a UTF-8 character. */
function invalidOffset(bytes: Buffer): number | undefined {
  if (decodes(bytes)) return undefined;
  // The longest valid prefix, by bisection; a prefix may end inside a character, which `stream` allows.
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (decodes(bytes.subarray(0, middle), true)) low = middle;
    else high = middle - 1;
  }
  return startOfCharacter(bytes, low);
}

function decodes(bytes: Buffer, stream = false): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream });
    return true;
  } catch {
    return false;
  }
}

/** A character that is cut off begins before the byte that breaks it. */
function startOfCharacter(bytes: Buffer, offset: number): number {
  let start = offset;
  while (start > 0 && offset - start < 3 && ((bytes[start - 1] ?? 0) & 0xc0) === 0x80) start -= 1;
  return start > 0 && (bytes[start - 1] ?? 0) >= 0xc0 && !decodes(bytes.subarray(start - 1, offset))
    ? start - 1
    : offset;
}

function notText(file: string, shown: string, summary: string, detail: string): ReadText {
  return { ok: false, fault: { severity: "error", code: "LEG1006", summary, detail, file, shown } };
}

function tooLarge(file: string, shown: string, bytes: number, bytesMax: number): Fault {
  const summary = `it has ${formatSize(bytes)}, more than the ${formatSize(bytesMax)} that one file may have`;
  return {
    severity: "error",
    code: "LEG1004",
    summary,
    detail: "split it into several files",
    file,
    shown,
  };
}
