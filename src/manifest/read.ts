import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { formatSize } from "../lib/quantities.ts";
import { notAFile, readFault } from "./discover.ts";
import type { Fault } from "./fault.ts";
import { FILE_BYTES_MAX } from "./limits.ts";
import type { SourceText } from "./source-text.ts";

/** A file as text, or why it is not one. */
export type ReadText =
  | { readonly ok: true; readonly source: SourceText }
  | { readonly ok: false; readonly fault: Fault };

/** Reads a file that is regular, small enough and UTF-8. A named pipe put there in the meantime cannot hold it up. */
export async function readText(
  file: string,
  shown: string,
  cwd: string,
  bytesMax = FILE_BYTES_MAX,
): Promise<ReadText> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = await handle.stat();
    if (!status.isFile()) return { ok: false, fault: notAFile(file, cwd, status) };
    if (status.size > bytesMax)
      return { ok: false, fault: tooLarge(file, shown, status.size, bytesMax) };
    // One byte more than it may have, as the size that a file tells need not be true.
    const bytes = await readUpTo(handle, status.size === 0 ? bytesMax + 1 : status.size);
    return decode(bytes, file, shown, bytesMax);
  } catch (error) {
    return { ok: false, fault: readFault(file, shown, error as NodeJS.ErrnoException) };
  } finally {
    await handle?.close();
  }
}

async function readUpTo(handle: FileHandle, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  while (total < bytesMax) {
    const chunk = Buffer.allocUnsafe(Math.min(bytesMax - total, 1 << 16));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, null);
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
  const skippedBytes = bytes.subarray(0, 3).equals(byteOrderMark) ? 3 : 0;
  const text = bytes.toString("utf8", skippedBytes);
  if (text.includes("\ufffd")) {
    const offset = invalidOffset(bytes);
    if (offset !== undefined)
      return notText(
        file,
        shown,
        `it is not UTF-8: byte ${offset} begins no character`,
        "save it as UTF-8",
      );
  }
  return { ok: true, source: { shown, text, skippedBytes } };
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
