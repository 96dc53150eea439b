import { byteLength, headBytes, tailBytes } from "../lib/text.ts";

/** The least room that a cut message has: the mark and a little text on both sides fit into it. */
export const MESSAGE_BYTES_MIN = 200;

/**
 * At most `maxBytes` of a text: its beginning and its end, and between them how much is left out. `handle` is what
 * recall() takes to return the whole; without one the text cannot be recalled.
 */
export function truncate(text: string, maxBytes: number, handle?: string): string {
  const totalBytes = byteLength(text);
  if (totalBytes <= maxBytes) return text;
  // The number in the mark is at most the total, so the mark is at most this long.
  const room = Math.max(maxBytes, MESSAGE_BYTES_MIN) - byteLength(mark(totalBytes, handle));
  const head = headBytes(text, Math.ceil(room / 2));
  const tail = tailBytes(text, room - byteLength(head));
  return `${head}${mark(totalBytes - byteLength(head) - byteLength(tail), handle)}${tail}`;
}

function mark(bytes: number, handle: string | undefined): string {
  const advice = handle === undefined ? "" : ` await recall("${handle}") returns the whole text`;
  return `\n[... truncated ${bytes} bytes ...]${advice}\n`;
}
