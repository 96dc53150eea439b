import type { IncomingMessage } from "node:http";
import { pipeline, type Readable, type Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { isSystemFault, NetworkFault, networkFaultOf } from "./guarded-request-faults.ts";

/** The compressions that are asked for; others are not understood. */
const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};
export const ACCEPTED_ENCODINGS = "gzip, deflate, br";

export interface Body {
  readonly bytes: Buffer;
  /** There was more than `maxBytes`. */
  readonly isCut: boolean;
}

/** Reads a body up to so many bytes, counted after decompression, so that a small answer cannot become a large one (S33). Throws a NetworkFault. */
export async function readBody(
  response: IncomingMessage,
  { maxBytes, host, hasBody }: { maxBytes: number; host: string; hasBody: boolean },
): Promise<Body> {
  const encoding = (response.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  const isPlain = encoding === "identity" || encoding === "" || !hasBody;
  try {
    return await headOf(isPlain ? response : decoded(response, encoding, host), maxBytes);
  } catch (error) {
    if (isPlain || isSystemFault(error)) throw networkFaultOf(error, host);
    const message = `the answer of ${host} is not the ${encoding} that it says it is`;
    throw new NetworkFault("encoding", message, { cause: error });
  }
}

function decoded(response: IncomingMessage, encoding: string, host: string): Readable {
  const decoder = Object.hasOwn(decoders, encoding) ? decoders[encoding]?.() : undefined;
  if (decoder === undefined)
    throw new NetworkFault("encoding", `${host} compressed its answer in a way not asked for`);
  // Whoever reads the decoder gets the errors of both.
  pipeline(response, decoder, () => {});
  return decoder;
}

async function headOf(stream: Readable, maxBytes: number): Promise<Body> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop early destroys the stream.
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxBytes) break;
  }
  const bytes = Buffer.concat(chunks);
  return { bytes: bytes.subarray(0, maxBytes), isCut: size > maxBytes };
}
