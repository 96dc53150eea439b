import { durationMs, sizeBytes } from "../../lib/quantities.ts";
import type { Endpoint, ModelRequest, Wire, WireEvent } from "../contract.ts";
import { WireFailure } from "../failures.ts";
import { decodeStream, decodeWhole, isStream } from "./chat-decode.ts";
import { type ChatBodyOptions, chatBody, limitFieldOf } from "./chat-request.ts";
import { chatHeaders, chatUrl } from "./endpoint.ts";
import { type Named, responseFailure, thrownFailure } from "./http-failure.ts";
import { bodyHead, type Incoming } from "./response.ts";
import { type Timeouts, watchdog } from "./watchdog.ts";
import type { OpenWire } from "./wire.ts";

export interface ChatEndpoint extends Endpoint, Named, ChatBodyOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly timeouts: Timeouts;
  readonly maxResponseBytes: number;
  /** Wall time, for a Retry-After that is a date. */
  readonly now: () => number;
}

/** The most characters that are read of the body of an error. */
const ERROR_BODY_MAX = 64 * 1024;

/** OpenAI chat completions over HTTP. */
export const openaiChat: Wire<ChatEndpoint> = async function* (request, endpoint, signal) {
  const watch = watchdog(signal, endpoint.provider, endpoint.timeouts);
  const ended = { done: false };
  try {
    const response = await post(request, endpoint, watch.signal);
    watch.responded();
    const incoming: Incoming = {
      provider: endpoint.provider,
      response,
      maxBytes: endpoint.maxResponseBytes,
    };
    if (!response.ok)
      throw new WireFailure(
        responseFailure(
          response,
          await bodyHead(incoming, ERROR_BODY_MAX),
          endpoint,
          endpoint.now(),
        ),
      );
    const decode = isStream(response, endpoint.stream) ? decodeStream : decodeWhole;
    yield* decode({ incoming, named: endpoint, progress: watch.progress, ended });
  } catch (cause) {
    yield {
      type: "error",
      error: thrownFailure(cause, watch.signal, endpoint),
    } satisfies WireEvent;
  } finally {
    watch.end(ended.done);
  }
};

function post(
  request: ModelRequest,
  endpoint: ChatEndpoint,
  signal: AbortSignal,
): Promise<Response> {
  return fetch(endpoint.url, {
    method: "POST",
    headers: endpoint.headers,
    body: JSON.stringify(chatBody(request, endpoint)),
    // A redirect could carry the key to another host.
    redirect: "manual",
    signal,
  });
}

export const openChat: OpenWire = async (provider, model, { secrets, now }, opening) => {
  const { spec, name } = provider;
  const url = chatUrl(spec.baseUrl ?? "", spec.chatPath);
  const headers = await chatHeaders(provider, secrets, opening);
  const endpoint: ChatEndpoint = {
    provider: name,
    model,
    stream: spec.stream,
    structuredOutput: spec.structuredOutput,
    limitField: limitFieldOf(url),
    url,
    headers,
    timeouts: {
      firstByteMs: durationMs(spec.timeouts.firstByte),
      idleMs: durationMs(spec.timeouts.idle),
      totalMs: durationMs(spec.timeouts.total),
    },
    maxResponseBytes: sizeBytes(spec.maxResponseBytes),
    redact: secrets.redactor.redact,
    now,
  };
  return (request, signal) => openaiChat(request, endpoint, signal);
};
