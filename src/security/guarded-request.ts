import { request as httpRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { SecureContext } from "node:tls";
import { ACCEPTED_ENCODINGS, type Body, readBody } from "./guarded-request-body.ts";
import { type Connected, guardedConnect } from "./guarded-request-connect.ts";
import {
  NetworkFault,
  networkFaultOf,
  timeoutFault,
  whenAborted,
} from "./guarded-request-faults.ts";
import { hostOf, urlFault, type VetOptions } from "./url-guard.ts";

export interface GuardedRequest extends VetOptions {
  readonly url: URL;
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Further headers that no other host gets than the one of the URL, besides `hostBound`: those whose values are secrets. */
  readonly credentials?: readonly string[];
  /** Of the body, after decompression; what is beyond is cut off. */
  readonly maxBytes: number;
  /** 0: a redirect is an answer like others. */
  readonly redirectsMax: number;
  /** Which certificates are trusted; those of Node where it is left out. */
  readonly secureContext?: SecureContext | undefined;
}

export interface GuardedResponse extends Body {
  readonly status: number;
  /** Names in small letters; several of one name are joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** How many redirects were followed. */
  readonly redirects: number;
  /** Of the last host, milliseconds since 1970. */
  readonly certificateEndsMs?: number;
}

export const REDIRECTS_MAX = 5;

/** Headers that belong to the host of the URL: no other one gets them (S27). */
const hostBound = ["authorization", "cookie", "host", "proxy-authorization"];
/** Headers that say how the message is framed and how long the connection lasts, which is not the caller's affair. */
const ours = [
  ...["connection", "content-length", "expect", "keep-alive", "proxy-connection"],
  ...["te", "trailer", "transfer-encoding", "upgrade"],
];
const ofBody = ["content-type", "content-encoding", "content-language", "content-location"];

/** What is asked at one host of a chain of redirects. */
interface Hop {
  readonly url: URL;
  readonly method: string;
  /** Names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/**
 * Asks a service over a connection of its own that ends with the answer. Each host of a chain of redirects is judged anew, and connected
 * to at an address that was judged (S28 to S33); variables for proxies have no say. Throws a NetworkFault.
 */
export async function guardedRequest(request: GuardedRequest): Promise<GuardedResponse> {
  let hop: Hop = {
    url: request.url,
    method: request.method,
    headers: without(lowerCase(request.headers), ours),
    body: request.body,
  };
  for (let redirects = 0; ; redirects += 1) {
    const answer = await ask(hop, request);
    if (answer.redirect === undefined) return { ...answer.response, redirects };
    if (redirects === request.redirectsMax)
      throw new NetworkFault("too_many_redirects", `more than ${redirects} redirects came`);
    hop = redirected(hop, answer.redirect, request.credentials ?? []);
  }
}

type Answer =
  | { readonly redirect?: never; readonly response: Omit<GuardedResponse, "redirects"> }
  | { readonly redirect: Redirect };

interface Redirect {
  readonly status: number;
  readonly location: string;
}

async function ask(hop: Hop, request: GuardedRequest): Promise<Answer> {
  const fault = urlFault(hop.url);
  if (fault !== undefined) throw fault;
  const { url } = hop;
  const host = hostOf(url);
  const isSecure = url.protocol === "https:";
  const { allowed, lookup, signal, secureContext } = request;
  const connection = await guardedConnect(host, {
    ...{ allowed, lookup, signal },
    port: Number(url.port) || (isSecure ? 443 : 80),
    ...(isSecure && { tls: { secureContext } }),
  });
  const aborted = whenAborted(signal, host);
  const answer = exchange(hop, connection, host, request);
  // After an abort nobody waits for it, and what it fails with is the abort.
  answer.catch(() => {});
  try {
    return await Promise.race([answer, aborted.promise]);
  } catch (error) {
    throw signal.aborted ? timeoutFault(host) : networkFaultOf(error, host);
  } finally {
    aborted.stop();
    connection.socket.destroy();
  }
}

async function exchange(
  hop: Hop,
  { socket, certificateEndsMs }: Connected,
  host: string,
  { maxBytes, redirectsMax }: GuardedRequest,
): Promise<Answer> {
  const response = await sent(hop, socket);
  const { statusCode: status = 0, headers } = response;
  const { location } = headers;
  const isRedirect = redirectsMax > 0 && [301, 302, 303, 307, 308].includes(status);
  if (isRedirect && location !== undefined) return { redirect: { status, location } };
  const hasBody = hop.method !== "HEAD" && status !== 204 && status !== 304;
  const body = await readBody(response, { maxBytes, host, hasBody });
  return {
    response: {
      ...body,
      status,
      headers: joined(headers),
      ...(certificateEndsMs !== undefined && { certificateEndsMs }),
    },
  };
}

function sent({ url, method, headers, body }: Hop, socket: Socket): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = httpRequest({
    method,
    path: `${url.pathname}${url.search}`,
    // Without an agent: neither a pool nor the variables for proxies have a part in it.
    createConnection: () => socket,
    headers: {
      accept: "*/*",
      "accept-encoding": ACCEPTED_ENCODINGS,
      "user-agent": "legion",
      host: url.host,
      ...headers,
      ...(body !== undefined && { "content-length": Buffer.byteLength(body) }),
    },
  });
  outgoing.on("response", resolve).on("error", reject);
  // Without a listener Node ends the connection, and says nothing.
  outgoing.on("upgrade", () =>
    reject(
      new NetworkFault("protocol", `${hostOf(url)} changed to a protocol that was not asked for`),
    ),
  );
  outgoing.end(body);
  return promise;
}

/** What is asked after a redirect, as browsers do it, but with fewer rights for other hosts. Throws a NetworkFault for one that is not followed. */
function redirected(
  { url, method, headers, body }: Hop,
  { status, location }: Redirect,
  credentials: readonly string[],
): Hop {
  const next = URL.parse(location, url.href);
  if (next === null) throw new NetworkFault("bad_redirect", `${hostOf(url)} redirects to no URL`);
  if (url.protocol === "https:" && next.protocol === "http:")
    throw new NetworkFault("blocked", `${hostOf(url)} redirects from https to http`);
  const names = credentials.map((name) => name.toLowerCase());
  const kept = next.host === url.host ? headers : without(headers, [...hostBound, ...names]);
  const becomesGet = status === 303 ? method !== "HEAD" : status < 303 && method === "POST";
  if (!becomesGet) return { url: next, method, headers: kept, body };
  return { url: next, method: "GET", headers: without(kept, ofBody), body: undefined };
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

function without(
  headers: Readonly<Record<string, string>>,
  names: readonly string[],
): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}

function joined(headers: IncomingMessage["headers"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value ?? ""].flat().join(", ")]),
  );
}
