/** What may go wrong on the way to a service, by stable names that triggers compare with. */
export const networkFaults = {
  timeout: "no answer in time",
  dns: "the name has no address, or no name server answered",
  refused: "nothing listens at the port",
  reset: "the connection was broken off",
  unreachable: "no way leads to the address",
  tls: "the certificate is not valid, or there is no common way to encrypt",
  blocked: "the address or the URL may not be asked",
  invalid: "what is to be asked cannot be asked as it is written",
  too_many_redirects: "one redirect led to the next",
  bad_redirect: "a redirect led nowhere",
  protocol: "what came was not HTTP",
  encoding: "the body was not compressed as the answer said",
} as const;

export type NetworkFaultCode = keyof typeof networkFaults;

/** A failure on the way to a service. The message names hosts and addresses, never headers, paths, queries or bodies: they may hold secrets. */
export class NetworkFault extends Error {
  override readonly name = "NetworkFault";
  readonly code: NetworkFaultCode;
  /** When the certificate that was not valid ended or will end, milliseconds since 1970. */
  readonly certificateEndsMs: number | undefined;

  constructor(
    code: NetworkFaultCode,
    message: string,
    { cause, certificateEndsMs }: { cause?: unknown; certificateEndsMs?: number | undefined } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.certificateEndsMs = certificateEndsMs;
  }
}

/** Error codes of the system and of Node, and what they mean here. */
const systemCodes: Readonly<Record<string, NetworkFaultCode>> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  ECONNABORTED: "reset",
  EPIPE: "reset",
  ERR_STREAM_PREMATURE_CLOSE: "reset",
  ETIMEDOUT: "timeout",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
  ENETDOWN: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  EACCES: "unreachable",
  EPERM: "unreachable",
  ENOTFOUND: "dns",
  EAI_AGAIN: "dns",
  EAI_FAIL: "dns",
  EAI_NODATA: "dns",
  EAI_NONAME: "dns",
  EPROTO: "tls",
  ERR_INVALID_CHAR: "invalid",
  ERR_INVALID_HTTP_TOKEN: "invalid",
  ERR_HTTP_INVALID_HEADER_VALUE: "invalid",
  ERR_UNESCAPED_CHARACTERS: "invalid",
};

const messages: Partial<Record<NetworkFaultCode, (host: string) => string>> = {
  timeout: (host) => timeoutFault(host).message,
  dns: (host) => `${host} cannot be resolved`,
  refused: (host) => `${host} refused the connection`,
  reset: (host) => `${host} broke off the connection`,
  unreachable: (host) => `${host} cannot be reached`,
  tls: (host) => `${host} and this program found no common way to encrypt`,
  invalid: (host) => `the request to ${host} holds a character that cannot be sent`,
  protocol: (host) => `${host} did not answer with HTTP`,
};

/** Anything that a connection, a lookup or a request rejects with, as a fault. `host` is whom it was about. */
export function networkFaultOf(error: unknown, host: string): NetworkFault {
  if (error instanceof NetworkFault) return error;
  const code = faultCodeOf(error);
  return new NetworkFault(code, messages[code]?.(host) ?? networkFaults[code], { cause: error });
}

function faultCodeOf(error: unknown): NetworkFaultCode {
  const { code = "", name = "" } = error as NodeJS.ErrnoException;
  if (name === "AbortError" || name === "TimeoutError") return "timeout";
  const known = Object.hasOwn(systemCodes, code) ? systemCodes[code] : undefined;
  if (known !== undefined) return known;
  if (code.startsWith("HPE_")) return "protocol";
  return /^(ERR_SSL|ERR_TLS|ERR_OSSL)/.test(code) ? "tls" : "reset";
}

/** Whether the system broke off, and not what came. */
export function isSystemFault(error: unknown): boolean {
  if (error instanceof NetworkFault) return true;
  const { code = "", name = "" } = error as NodeJS.ErrnoException;
  return name === "AbortError" || name === "TimeoutError" || Object.hasOwn(systemCodes, code);
}

export function timeoutFault(host: string): NetworkFault {
  return new NetworkFault("timeout", `${host} did not answer in time`);
}

/** A promise that rejects with a fault when the signal is aborted, and the end of listening to it. */
export function whenAborted(
  signal: AbortSignal,
  host: string,
): {
  readonly promise: Promise<never>;
  stop(): void;
} {
  const { promise, reject } = Promise.withResolvers<never>();
  // Nobody may be waiting for it any more.
  promise.catch(() => {});
  const abort = () => reject(timeoutFault(host));
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  return { promise, stop: () => signal.removeEventListener("abort", abort) };
}
