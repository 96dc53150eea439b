import type { WireError, WireEvent } from "../contract.ts";
import { failure, WireFailure } from "../failures.ts";
import { createChatReply, type ReplyFault } from "./chat-reply.ts";
import { type Named, quote, reportedFailure } from "./http-failure.ts";
import { bodyText, type Incoming } from "./response.ts";
import { type Frame, sseFrames } from "./sse.ts";

export interface DecodeOptions {
  readonly incoming: Incoming;
  readonly named: Named;
  /** Called when content has come, and not for signs of life. */
  readonly progress: () => void;
  /** Set when the answer is whole, so that the connection is kept. */
  readonly ended: { done: boolean };
}

/** How much is kept of a body that holds no event, to see what it is instead. */
const HEAD_MAX = 64 * 1024;

/** Whether a body is read as a stream of events: as its type says, or as it was asked for where the type does not tell. */
export function isStream(response: Response, asked: boolean): boolean {
  const type = response.headers.get("content-type") ?? "";
  return /event-stream/i.test(type) || (asked && !/json|html/i.test(type));
}

/** The events of a streamed answer. Throws a WireFailure when it is not whole. */
export async function* decodeStream({
  incoming,
  named,
  progress,
  ended,
}: DecodeOptions): AsyncGenerator<WireEvent, void, undefined> {
  const reply = createChatReply(named.model);
  let head: string | undefined = "";
  const note = (piece: string) => {
    if (head !== undefined && head.length < HEAD_MAX) head += piece;
  };
  for await (const frames of sseFrames(bodyText(incoming, ended, note))) {
    const before = reply.taken;
    for (const frame of frames) {
      head = undefined;
      const data = frame.data.trim();
      if (data === "[DONE]") {
        ended.done = true;
        break;
      }
      if (data === "") continue;
      // Not by yield*: that costs several turns of the queue for each event of a list.
      for (const event of orThrow(reply.push(chunkOf(frame, named)), named)) yield event;
    }
    if (ended.done) break;
    if (reply.taken > before) progress();
  }
  // The end of the body alone does not make an answer whole.
  if (head === undefined && !ended.done && !reply.finished) throw new WireFailure(cut(named));
  ended.done = true;
  const last = head === undefined ? orThrow(reply.end(), named) : decodeText(head, named);
  for (const event of last) yield event;
}

/** The events of an answer that came as one JSON value. */
export async function* decodeWhole({
  incoming,
  named,
  progress,
  ended,
}: DecodeOptions): AsyncGenerator<WireEvent, void, undefined> {
  const note = (piece: string) => {
    // Some gateways send spaces to keep a connection alive.
    if (/\S/.test(piece)) progress();
  };
  const pieces = await Array.fromAsync(bodyText(incoming, ended, note));
  ended.done = true;
  for (const event of decodeText(pieces.join(""), named)) yield event;
}

function decodeText(text: string, named: Named): readonly WireEvent[] {
  const { provider, redact } = named;
  if (text.trim() === "") throw notAnAnswer(`the response of ${provider} is empty`);
  const quoted = () => `"${quote(text, redact)}"`;
  const body = parsed(text);
  if (body === undefined)
    throw notAnAnswer(
      `the response of ${provider} ${/^\s*</.test(text) ? "is a web page" : "is not JSON"}: ${quoted()}`,
    );
  const reply = createChatReply(named.model);
  return [...orThrow(reply.push(body), named, quoted), ...orThrow(reply.end(), named, quoted)];
}

function chunkOf({ data, event, open }: Frame, named: Named): unknown {
  const chunk = parsed(data);
  if (chunk !== undefined)
    return event === "error" ? { error: chunk, ...(typeof chunk === "object" && chunk) } : chunk;
  if (open) throw new WireFailure(cut(named));
  throw notAnAnswer(
    `the stream of ${named.provider} holds something that is not JSON: "${quote(data, named.redact)}"`,
  );
}

function orThrow(
  result: readonly WireEvent[] | ReplyFault,
  named: Named,
  quoted = () => "",
): readonly WireEvent[] {
  if (!("fault" in result)) return result;
  throw new WireFailure(faultError(result, named, quoted()));
}

function faultError(fault: ReplyFault, named: Named, quoted: string): WireError {
  const { provider, model, redact } = named;
  if (fault.fault === "error") return reportedFailure(fault.error, named);
  if (fault.fault === "refused")
    return failure("refused", `${model} of ${provider} refused: ${quote(fault.text, redact)}`);
  return failure(
    "notAnAnswer",
    `the response of ${provider} holds ${fault.what}${quoted === "" ? "" : `: ${quoted}`}`,
  );
}

function cut({ provider }: Named): WireError {
  return failure("connectionLost", `${provider} ended its response before the answer was whole`);
}

function notAnAnswer(message: string): WireFailure {
  return new WireFailure(failure("notAnAnswer", message));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
