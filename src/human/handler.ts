import { isObject, type Json, type JsonObject } from "../lib/json.ts";
import { durationMs } from "../lib/quantities.ts";
import type { Timers } from "../manifest/watch/timers.ts";
import type { Question } from "../state/questions.ts";

/** What a handler may write at most. */
export const HANDLER_BYTES_MAX = 256 * 1024;
const TIMEOUT_DEFAULT = "1m";

/** A program or an address that may answer a question before people do. */
export type Handler = { readonly timeoutMs: number } & (
  | { readonly type: "command"; readonly command: readonly string[]; readonly folder: string }
  | {
      readonly type: "http";
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
    }
);

export interface HandlerParts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timers: Timers;
  /** Ends the handler; it has ended when the promise rejects. */
  readonly signal: AbortSignal;
}

/** The readings of its answer, the likeliest first; undefined when it leaves the question to people. */
export type HandlerAnswer = readonly Json[] | undefined;

/** The handler in the config of a question, which the builtin human has checked. */
export function handlerOf({ handler }: JsonObject): Handler | undefined {
  if (!isObject(handler)) return undefined;
  const timeoutMs = Math.max(1, durationMs(String(handler.timeout ?? TIMEOUT_DEFAULT)));
  if (Array.isArray(handler.command)) {
    const command = handler.command.map(String);
    return { type: "command", command, folder: String(handler.folder ?? "."), timeoutMs };
  }
  const http = isObject(handler.http) ? handler.http : {};
  const headers = isObject(http.headers) ? http.headers : {};
  return {
    type: "http",
    url: String(http.url),
    headers: Object.fromEntries(
      Object.entries(headers).map(([key, value]) => [key, String(value)]),
    ),
    timeoutMs,
  };
}

/** What a handler is told of a question, as JSON. */
export function questionForHandler(question: Question): string {
  const { id, text, choices, schema, agent, run, expiresAtMs } = question;
  return JSON.stringify({
    id,
    question: text,
    ...(choices && { choices }),
    ...(schema && { schema }),
    agent,
    run,
    expiresAt: new Date(expiresAtMs).toISOString(),
  });
}
