import { isObject } from "../../lib/json.ts";
import type { WireError } from "../contract.ts";
import { type FailureName, failure, WireFailure } from "../failures.ts";
import { type Refusal, statusFailure } from "./status.ts";

/** What messages may say of an endpoint. */
export interface Named {
  readonly provider: string;
  readonly model: string;
  readonly url: URL;
  readonly redact: (text: string) => string;
}

/** Codes of Node and undici by what they mean; the first row that matches counts. */
const networkFailures: readonly (readonly [RegExp, FailureName, string])[] = [
  [/^(ENOTFOUND|EAI_\w+)$/, "nameNotFound", "the name of the host has no address"],
  [
    /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EACCES|EPERM)$/,
    "notReachable",
    "nothing accepts connections there",
  ],
  [
    /^(UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT)$/,
    "notReachable",
    "it did not accept the connection in time",
  ],
  [/^bad port$/, "portRefused", "fetch refuses to connect to this port"],
  [/CERT|SELF_SIGNED|^UNABLE_TO_|^ERR_(TLS|SSL)|^EPROTO$|^HOSTNAME_MISMATCH$/, "tls", "TLS failed"],
  [/^UND_ERR_HEADERS_TIMEOUT$/, "noResponse", "it did not begin to respond in time"],
  [/^UND_ERR_BODY_TIMEOUT$/, "stalled", "it stopped in the middle of its answer"],
  [
    /^(HPE_|HTTPParserError$|Z_|UND_ERR_HEADERS_OVERFLOW)/,
    "notAnAnswer",
    "the response is not valid HTTP",
  ],
  [
    /^(ECONNRESET|EPIPE|UND_ERR_SOCKET|UND_ERR_CLOSED|UND_ERR_RES_CONTENT_LENGTH_MISMATCH)$/,
    "connectionLost",
    "the connection was lost before the answer was whole",
  ],
];

/** The error behind anything that was thrown while asking. */
export function thrownFailure(
  cause: unknown,
  signal: AbortSignal,
  { provider, url, redact }: Named,
): WireError {
  if (cause instanceof WireFailure) return cause.error;
  if (signal.aborted) {
    const reason: unknown = signal.reason;
    return reason instanceof WireFailure
      ? reason.error
      : failure("aborted", `the request to ${provider} was interrupted`);
  }
  const code = networkCode(cause);
  const [, kind, words] = networkFailures.find(([pattern]) => pattern.test(code)) ?? [
    undefined,
    "connectionLost" as const,
    "the connection failed",
  ];
  return failure(
    kind,
    redact(
      `provider ${provider} at ${url.host} did not answer: ${words}${code === "" ? "" : ` (${code})`}`,
    ),
  );
}

/** The code of the error that fetch has wrapped, or its name where it has none; a mere Error says it in its message, as for a port that fetch refuses. */
function networkCode(cause: unknown): string {
  let name = "";
  for (
    let error = cause, depth = 0;
    error instanceof Error && depth < 5;
    error = error.cause, depth += 1
  ) {
    if ("code" in error && typeof error.code === "string") return error.code;
    if (error !== cause) name = error.name === "Error" ? error.message : error.name;
  }
  return name;
}

/** The failure that a response with another status than 2xx is. */
export function responseFailure(
  response: Response,
  body: string,
  named: Named,
  nowMs: number,
): WireError {
  const { status, headers } = response;
  const { provider } = named;
  if (status >= 300 && status < 400)
    return failure(
      "redirected",
      `${provider} answered ${status} and points to ${originOf(headers.get("location"), named.url)}`,
      { status },
    );
  const retryAfterMs = retryAfter(headers, nowMs);
  return statusFailure({
    ...refusalOf(parsed(body) ?? body, named),
    status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** The failure that a provider reports inside of a response of status 200. */
export function reportedFailure(error: unknown, named: Named): WireError {
  const status = isObject(error)
    ? [error.status_code, error.status, error.code]
        .map(Number)
        .find((value) => Number.isInteger(value) && value >= 400 && value <= 599)
    : undefined;
  return statusFailure({ ...refusalOf({ error }, named), status: status ?? 0 });
}

/** The most characters of a provider's own words in a message. */
const QUOTE_MAX = 300;
/** Of so many characters at the start. */
const READ_MAX = 4_096;

/** Text of a provider for a message: without secrets, tags and line breaks, and short. */
export function quote(text: string, redact: (text: string) => string): string {
  // Redacted before it is cut: half a key is no longer recognised. Cut before tags are looked for: a page may be of megabytes.
  const plain = redact(text)
    .slice(0, READ_MAX)
    .replace(/<(style|script)[\s\S]*?<\/\1>|<[^>]*>/gi, " ")
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return plain.length > QUOTE_MAX ? `${plain.slice(0, QUOTE_MAX)}…` : plain;
}

/** What the body of an error says, in any of the forms that servers use. */
function refusalOf(body: unknown, { provider, model, redact }: Named): Omit<Refusal, "status"> {
  const outer: unknown = Array.isArray(body) ? body[0] : body;
  const inner: unknown = isObject(outer) ? (outer.error ?? outer) : outer;
  const fields: Record<string, unknown> = isObject(inner) ? inner : { message: inner };
  const kind = [fields.code, fields.type].filter((part) => typeof part === "string").join(" ");
  const said = [fields.message, fields.detail, fields.error].find(
    (part) => typeof part === "string",
  );
  const message = said ?? (isObject(inner) ? JSON.stringify(inner) : "");
  return { provider, model, kind, message: quote(String(message), redact) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Milliseconds that the provider asks to wait: seconds or a date; undefined for anything else. */
export function retryAfter(headers: Headers, nowMs: number): number | undefined {
  const exact = headers.get("retry-after-ms")?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(exact)) return Number(exact);
  const value = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  // Only HTTP dates: Date.parse finds a date in almost anything.
  const date = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(value)
    ? Date.parse(value)
    : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** Scheme and host of a redirect's target; the rest may hold tokens. */
function originOf(location: string | null, base: URL): string {
  return location !== null && URL.canParse(location, base.href)
    ? new URL(location, base).origin
    : "another address";
}
