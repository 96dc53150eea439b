import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { codes, type ErrorCode } from "../lib/codes.ts";
import { LegionError, messageOf } from "../lib/errors.ts";
import { isObject } from "../lib/json.ts";
import { lost, strange } from "./ndjson.ts";
import { BODY_BYTES_MAX, SILENCE_MS } from "./wire.ts";

/** Whom requests go to: a socket of this machine, or a URL with a token. */
export interface Target {
  /** For messages: the path of the socket, or the URL. */
  readonly address: string;
  readonly socket?: string;
  readonly url?: URL;
  readonly token?: string;
  /** Certificates in PEM form that are trusted besides those of the system. */
  readonly ca?: string;
}

export interface Call {
  readonly method: "GET" | "POST" | "DELETE";
  /** With the query. */
  readonly path: string;
  /** JSON text. */
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** How long to wait for the beginning of the answer. */
  readonly answerMs?: number;
}

export const CONNECT_MS = 2_000;
/** Applying the largest set takes a few seconds. */
const ANSWER_MS = 120_000;

/** The beginning of an answer that is not a failure. Failures of the daemon come back as the LegionErrors that they are; LEG8001 when nobody is there. */
export async function open(target: Target, call: Call): Promise<IncomingMessage> {
  const { body = "" } = call;
  if (Buffer.byteLength(body) > BODY_BYTES_MAX)
    throw new LegionError({
      code: "LEG8013",
      message: `the request takes ${Buffer.byteLength(body)} bytes, more than ${BODY_BYTES_MAX}`,
      hint: "keep large texts in files and refer to them",
    });
  call.signal?.throwIfAborted();
  const response = await answerOf(target, call);
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return response;
  throw failureOf(await textOf(response), `the answer has the status ${status}`);
}

/** The JSON of a whole answer. */
export async function fetchJson(target: Target, call: Call): Promise<unknown> {
  const text = await textOf(await open(target, call));
  try {
    return JSON.parse(text);
  } catch (error) {
    throw strange("the answer is not JSON", error);
  }
}

/** The error that a body or a line of the daemon stands for; LEG8002 when it does not have that form. */
export function failureOf(value: unknown, otherwise: string): LegionError {
  const data = errorOf(typeof value === "string" ? jsonOf(value) : value);
  if (data === undefined) return strange(otherwise);
  const { code, message, hint, valid, example } = data;
  if (!isCode(code)) return strange(`${code}: ${message}`);
  return new LegionError({
    code,
    message: String(message),
    hint: String(hint),
    ...(Array.isArray(valid) && { valid: valid.map(String) }),
    ...(typeof example === "string" && { example }),
  });
}

/** The bytes of an answer. LEG8003 when nothing comes for too long while they are waited for, or the connection breaks. */
export async function* chunksOf(response: IncomingMessage): AsyncGenerator<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = response[Symbol.asyncIterator]();
  try {
    for (;;) {
      // Only time that is spent waiting counts: a reader that is slow itself must not take that for silence.
      const timer = setTimeout(() => response.destroy(silent()), SILENCE_MS);
      const next = await chunks.next().finally(() => clearTimeout(timer));
      if (next.done === true) return;
      yield next.value;
    }
  } catch (error) {
    throw error instanceof LegionError ? error : lost("the connection broke", error);
  } finally {
    response.destroy();
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  return Buffer.concat(await Array.fromAsync(chunksOf(response))).toString("utf8");
}

async function answerOf(target: Target, call: Call): Promise<IncomingMessage> {
  const request = await begin(target, call);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const onAbort = () => request.destroy(Error("aborted"));
  call.signal?.addEventListener("abort", onAbort, { once: true });
  const timer = setTimeout(() => request.destroy(silent()), call.answerMs ?? ANSWER_MS);
  const connecting = connectTimer(request, target);
  request.on("response", (response) => {
    // From here on the error of the request is that of the answer, which its reader hears of.
    response.on("close", () => call.signal?.removeEventListener("abort", onAbort));
    resolve(response);
  });
  request.on("error", (error) => {
    call.signal?.removeEventListener("abort", onAbort);
    reject(call.signal?.aborted === true ? call.signal.reason : requestError(error, target));
  });
  request.end(call.body);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    clearTimeout(connecting);
  }
}

async function begin(target: Target, call: Call): Promise<ClientRequest> {
  const { socket, url, token, ca } = target;
  const headers = {
    accept: "application/json",
    ...(socket !== undefined && { host: "localhost" }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(call.body !== undefined && {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(call.body),
    }),
  };
  // A connection of its own for every request: none is left open behind a command that has ended.
  const options = { method: call.method, path: call.path, headers, agent: false as const };
  if (socket !== undefined) return httpRequest({ ...options, socketPath: socket });
  const { protocol, hostname, port } = url ?? new URL(target.address);
  const where = { hostname: hostname.replace(/^\[(.*)\]$/, "$1"), port };
  if (protocol === "http:") return httpRequest({ ...options, ...where });
  const { request } = await import("node:https");
  if (ca === undefined) return request({ ...options, ...where });
  const { rootCertificates } = await import("node:tls");
  return request({ ...options, ...where, ca: [...rootCertificates, ca] });
}

function connectTimer(request: ClientRequest, target: Target): NodeJS.Timeout {
  const timer = setTimeout(() => {
    const why = `nothing answers at ${target.address} within ${CONNECT_MS / 1000} s`;
    request.destroy(unreachable(why));
  }, CONNECT_MS);
  request.on("socket", (socket) => {
    if (socket.connecting) socket.on("connect", () => clearTimeout(timer));
    else clearTimeout(timer);
  });
  return timer;
}

/** LEG8001. */
export function unreachable(message: string, cause?: unknown): LegionError {
  return new LegionError(
    {
      code: "LEG8001",
      message,
      hint: "start a daemon with `legion up`, or name the right one with --state-dir or --server",
      example: "legion up",
    },
    cause,
  );
}

/** Whether the failure says that nobody listens there at all. */
export function isNobody(error: unknown): boolean {
  return (
    error instanceof LegionError &&
    error.code === "LEG8001" &&
    isObject(error.cause) &&
    ["ECONNREFUSED", "ENOENT", "ENOTSOCK"].includes(String(error.cause.code))
  );
}

const CUT = ["ECONNRESET", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE"];

function requestError(error: Error & { readonly code?: string }, target: Target): LegionError {
  if (error instanceof LegionError) return error;
  const { code = "" } = error;
  if (CUT.includes(code)) return lost("the connection broke before the answer", error);
  if (code.startsWith("HPE_")) return strange("the answer is not HTTP", error);
  return unreachable(`no daemon can be reached at ${target.address}: ${messageOf(error)}`, error);
}

function silent(): LegionError {
  return lost(`nothing came from the daemon for too long`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function errorOf(value: unknown): Record<string, unknown> | undefined {
  return isObject(value) && isObject(value.error) && typeof value.error.code === "string"
    ? value.error
    : undefined;
}

function isCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(codes, code);
}
