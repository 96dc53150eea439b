import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { isObject } from "../lib/json.ts";
import { durationMs } from "../lib/quantities.ts";
import type { ChatMessage } from "../router/contract.ts";
import { nextReply } from "../router/wires/scripted-choice.ts";
import { type Fault, type ModelReply, type Rendered, renderReply } from "./model-reply.ts";

/** A request as the server got it. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

/**
 * What the server says. A list: replies with `when` are chosen by the conversation, the others are used once each, in the order
 * of the requests, and then every further request gets a 500. A function: whatever it returns.
 */
export type Script =
  | readonly ModelReply[]
  | ((request: RecordedRequest, index: number) => ModelReply);

/** A model server on 127.0.0.1 that speaks OpenAI chat completions, for tests. */
export interface ModelServer extends AsyncDisposable {
  /** What a Provider takes as baseUrl. */
  readonly url: string;
  readonly requests: readonly RecordedRequest[];
  /** How many connections were made. */
  readonly connections: number;
  close(): Promise<void>;
}

/** Starts a server on a free port. */
export async function startModelServer(script: Script): Promise<ModelServer> {
  const requests: RecordedRequest[] = [];
  let connections = 0;
  const choose = chooser(script);
  const stopped = new AbortController();
  const server = createServer((incoming, response) => {
    answer(incoming, response, requests, choose, stopped.signal).catch((error: unknown) => {
      if (!stopped.signal.aborted) response.destroy(error instanceof Error ? error : undefined);
    });
  });
  server.on("connection", () => {
    connections += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  async function close(): Promise<void> {
    stopped.abort();
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    get connections() {
      return connections;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

type Choose = (request: RecordedRequest, index: number) => ModelReply;

function chooser(script: Script): Choose {
  if (typeof script === "function") return script;
  const ordered = script.filter(({ when }) => when === undefined);
  const conditional = script.filter(({ when }) => when !== undefined);
  let used = 0;
  return ({ body }) => {
    const matching = nextReply(conditional, messagesOf(body));
    if (matching !== undefined) return matching;
    used += 1;
    return (
      ordered[used - 1] ?? {
        error: { status: 500, message: `the model server has only ${ordered.length} replies` },
      }
    );
  };
}

function messagesOf({ messages }: Record<string, unknown>): ChatMessage[] {
  const list: unknown[] = Array.isArray(messages) ? messages : [];
  return list.filter(isObject).map(({ role, content }) => ({
    role: role === "system" || role === "assistant" || role === "tool" ? role : "user",
    content: typeof content === "string" ? content : "",
  }));
}

async function answer(
  incoming: IncomingMessage,
  response: ServerResponse,
  requests: RecordedRequest[],
  choose: Choose,
  stopped: AbortSignal,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const parsed: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8") || "{}");
  const body = isObject(parsed) ? parsed : {};
  const request = {
    method: incoming.method ?? "",
    path: incoming.url ?? "",
    headers: incoming.headers,
    body,
  };
  requests.push(request);
  const reply = choose(request, requests.length - 1);
  if (reply.delay !== undefined)
    await sleep(durationMs(reply.delay), undefined, { signal: stopped });
  const options = isObject(body.stream_options) ? body.stream_options : {};
  const rendered = renderReply(reply, {
    model: String(body.model),
    stream: body.stream === true,
    includeUsage: options.include_usage === true,
  });
  await send(response, rendered, reply.fault, stopped);
}

async function send(
  response: ServerResponse,
  { status, headers, body }: Rendered,
  fault: Fault | undefined,
  stopped: AbortSignal,
): Promise<void> {
  if (fault?.kind === "silence") return;
  if (fault?.kind === "reset") return void socketOf(response)?.resetAndDestroy();
  response.writeHead(status, headers);
  // Without a body to wait for, the headers would stay behind too.
  response.flushHeaders();
  switch (fault?.kind) {
    case undefined:
      return void response.end(body);
    case "cut":
      await written(response, body.subarray(0, fault.afterBytes));
      return void socketOf(response)?.destroySoon();
    case "end":
      return void response.end(body.subarray(0, fault.afterBytes));
    case "stall":
      return written(response, body.subarray(0, fault.afterBytes));
    case "hold": {
      const half = Math.floor(body.length / 2);
      await written(response, body.subarray(0, half));
      fault.onHeld();
      await Promise.race([fault.until, once(response, "close")]);
      return void response.end(body.subarray(half));
    }
    case "drip":
      for (let at = 0; at < body.length && !response.destroyed; at += fault.bytes) {
        await written(response, body.subarray(at, at + fault.bytes));
        if (fault.everyMs > 0) await sleep(fault.everyMs, undefined, { signal: stopped });
      }
      return void response.end();
    case "endless":
      await written(response, body);
      while (!response.destroyed) {
        await written(response, Buffer.from(fault.text));
        await sleep(fault.everyMs, undefined, { signal: stopped });
      }
  }
}

function socketOf(response: ServerResponse): Socket | null {
  return response.socket;
}

/** Settles when the bytes are out, or the reader is gone. */
async function written(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  if (bytes.length === 0 || response.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once("close", resolve);
  response.write(bytes, () => resolve());
  await promise;
  response.off("close", resolve);
}
