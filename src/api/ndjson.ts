import { LegionError } from "../lib/errors.ts";

/** The most bytes of one line: no answer of a daemon is longer. */
const LINE_BYTES_MAX = 256 * 2 ** 20;
const LINE_END = 0x0a;

/**
 * The JSON values of a stream of lines, wherever its chunks were cut. Empty lines are skipped. A line that is not JSON is
 * LEG8002, a last line without its end LEG8003: the rest of it was lost.
 */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, from)) {
      pieces.push(chunk.subarray(from, end));
      const line = textOf(pieces);
      pieces = [];
      length = 0;
      from = end + 1;
      if (line.trim() !== "") yield parsed(line);
    }
    pieces.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > LINE_BYTES_MAX) throw strange("a line is longer than any that a daemon sends");
  }
  if (textOf(pieces).trim() !== "") throw lost("the stream ended in the middle of a line");
}

/** LEG8003: what was begun has not come to its end. */
export function lost(message: string, cause?: unknown): LegionError {
  return new LegionError(
    {
      code: "LEG8003",
      message,
      hint: "look with `legion status` whether the daemon runs, then run the command again",
    },
    cause,
  );
}

/** LEG8002: whoever answers is not a daemon of this API. */
export function strange(message: string, cause?: unknown): LegionError {
  return new LegionError(
    {
      code: "LEG8002",
      message,
      hint: "check the address, and run client and daemon in the same version",
    },
    cause,
  );
}

function textOf(pieces: readonly Uint8Array[]): string {
  const [only] = pieces;
  const bytes = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw strange("a line of the stream is not JSON", error);
  }
}
