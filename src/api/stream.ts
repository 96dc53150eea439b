import type { ServerResponse } from "node:http";
import { heartbeat } from "./wire.ts";

export interface StreamOptions {
  readonly heartbeatMs: number;
  /** When the first line that shows life is sent, which opens the stream. A failure before is answered with its own status. */
  readonly openAfterMs: number;
  /** Aborted when the client has gone. */
  readonly gone: AbortSignal;
  /** Aborted when the server closes: a stream that ends then is told as cut off, so that nobody takes it for whole. */
  readonly ending: AbortSignal;
  /** What a failure is told as, once the stream is open. */
  readonly failureLine: (error: unknown) => unknown;
  /** Called once, right before the first byte; from then on failures are lines. */
  readonly onOpen: () => void;
}

/**
 * Sends values as lines of JSON, and a line that shows life whenever nothing came for long. It reads on only when the
 * client has taken what was sent, so a slow client costs no memory. Rejects only before the stream is open.
 */
export async function sendLines(
  response: ServerResponse,
  lines: AsyncIterable<unknown>,
  options: StreamOptions,
): Promise<void> {
  const items = lines[Symbol.asyncIterator]();
  const first = items.next();
  try {
    await firstOf(first, options.openAfterMs, options.gone);
  } catch (error) {
    await items.return?.();
    throw error;
  }
  options.onOpen();
  if (options.gone.aborted) {
    first.then(() => items.return?.()).catch(() => undefined);
    return;
  }
  response.writeHead(200, {
    "content-type": "application/x-ndjson",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  const alive = () => {
    if (!response.writableNeedDrain) response.write(lineOf(heartbeat));
  };
  response.flushHeaders();
  const timer = setInterval(alive, options.heartbeatMs);
  // The values may not hear that nobody wants them any more.
  options.gone.addEventListener("abort", () => clearInterval(timer), { once: true });
  try {
    await pump(response, items, first, options.gone);
    options.ending.throwIfAborted();
  } catch (error) {
    if (!options.gone.aborted) response.write(lineOf(options.failureLine(error)));
  } finally {
    clearInterval(timer);
    response.end();
  }
}

async function pump(
  response: ServerResponse,
  items: AsyncIterator<unknown>,
  first: Promise<IteratorResult<unknown>>,
  gone: AbortSignal,
): Promise<void> {
  try {
    for (let item = await first; item.done !== true; item = await items.next()) {
      if (gone.aborted) return;
      if (!response.write(lineOf(item.value))) await drained(response, gone);
    }
  } finally {
    await items.return?.();
  }
}

/** Resolves when the value is there, the time is over or the client has gone; rejects when the value fails before. */
async function firstOf(value: Promise<unknown>, ms: number, gone: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  gone.addEventListener("abort", () => resolve(), { once: true });
  try {
    await Promise.race([value, promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function drained(response: ServerResponse, gone: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = () => resolve();
  response.once("drain", done);
  gone.addEventListener("abort", done, { once: true });
  if (gone.aborted) resolve();
  await promise;
  response.off("drain", done);
  gone.removeEventListener("abort", done);
}

function lineOf(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
