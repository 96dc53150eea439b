import { isObject, type Json } from "../lib/json.ts";
import { formatDuration, formatSize } from "../lib/quantities.ts";
import {
  HANDLER_BYTES_MAX,
  type Handler,
  type HandlerAnswer,
  type HandlerParts,
} from "./handler.ts";

/**
 * Posts the question as JSON: 200 with {answer} answers it, 202 leaves it to people. Redirects are not followed: the question and the
 * headers are for this address only. Throws an Error that says what went wrong, without what came back.
 */
export async function runHttpHandler(
  { url, headers, timeoutMs }: Extract<Handler, { readonly type: "http" }>,
  question: string,
  { timers, signal }: Pick<HandlerParts, "timers" | "signal">,
): Promise<HandlerAnswer> {
  signal.throwIfAborted();
  const late = new AbortController();
  const stopTimer = timers.after(timeoutMs, () => late.abort());
  try {
    const response = await fetch(url, {
      method: "POST",
      body: question,
      headers: { ...headers, "content-type": "application/json", accept: "application/json" },
      redirect: "manual",
      signal: AbortSignal.any([signal, late.signal]),
    });
    return await answerOf(response);
  } catch (error) {
    if (late.signal.aborted) throw new Error(`took longer than ${formatDuration(timeoutMs)}`);
    if (signal.aborted) throw new Error("was ended");
    throw error instanceof HandlerFault
      ? error
      : new Error("could not be reached", { cause: error });
  } finally {
    stopTimer();
  }
}

/** A failure whose message is for readers. */
class HandlerFault extends Error {}

async function answerOf(response: Response): Promise<HandlerAnswer> {
  if (response.status !== 200) {
    await response.body?.cancel();
    if (response.status === 202) return undefined;
    const isRedirect = response.status >= 300 && response.status < 400;
    throw new HandlerFault(
      `answered with status ${response.status}${isRedirect ? ", and redirects are not followed" : ""}`,
    );
  }
  const text = await bodyOf(response);
  let body: Json;
  try {
    body = JSON.parse(text);
  } catch {
    throw new HandlerFault("answered with something that is not JSON");
  }
  if (!isObject(body) || !Object.hasOwn(body, "answer")) {
    throw new HandlerFault('answered without a field "answer"');
  }
  return [body.answer as Json];
}

async function bodyOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early ends the connection.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > HANDLER_BYTES_MAX) {
      throw new HandlerFault(`answered with more than ${formatSize(HANDLER_BYTES_MAX)}`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
