import { connect, isIP, type Socket } from "node:net";
import { connect as connectSecurely, type SecureContext, type TLSSocket } from "node:tls";
import { NetworkFault, networkFaultOf, whenAborted } from "./guarded-request-faults.ts";
import { pinnedLookup, type VetOptions, vetHost } from "./url-guard.ts";

export interface ConnectOptions extends VetOptions {
  readonly port: number;
  /** Given, even if it is empty: the connection is encrypted, and the certificate is checked against the host. */
  readonly tls?: { readonly secureContext?: SecureContext | undefined };
}

/** An open connection to an address that was judged. Whoever gets it destroys the socket. */
export interface Connected {
  readonly socket: Socket;
  /** When the certificate of the other side ends, milliseconds since 1970. */
  readonly certificateEndsMs?: number;
}

/**
 * Connects to a canonical host at one of its addresses, after all of them were judged. Only these are tried, whatever a name server says
 * later. Throws a NetworkFault, and leaves no socket behind.
 */
export async function guardedConnect(host: string, options: ConnectOptions): Promise<Connected> {
  const { addresses } = await vetHost(host, options);
  const target = { host, port: options.port, lookup: pinnedLookup(addresses) };
  if (options.tls === undefined) {
    const socket = connect(target);
    await connected(socket, "connect", host, options.signal, (error) =>
      networkFaultOf(error, host),
    );
    return { socket };
  }
  const secureContext = options.tls.secureContext;
  const socket = connectSecurely({
    ...target,
    ALPNProtocols: ["http/1.1"],
    ...(isIP(host) === 0 && { servername: host }),
    ...(secureContext !== undefined && { secureContext }),
  });
  let certificateEndsMs: number | undefined;
  // Before Node judges the certificate: a socket that it has refused tells no more when the certificate ended.
  socket.prependListener("secure", () => {
    certificateEndsMs = endOfCertificate(socket);
  });
  await connected(socket, "secureConnect", host, options.signal, (error) =>
    tlsFault(error, host, certificateEndsMs),
  );
  return { socket, ...(certificateEndsMs !== undefined && { certificateEndsMs }) };
}

async function connected(
  socket: Socket,
  event: "connect" | "secureConnect",
  host: string,
  signal: AbortSignal,
  faultOf: (error: unknown) => NetworkFault,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const aborted = whenAborted(signal, host);
  socket.once(event, () => resolve());
  // It stays: an error of a connection that nobody reads any more is nobody's.
  socket.on("error", reject);
  try {
    await Promise.race([promise, aborted.promise]);
  } catch (error) {
    socket.destroy();
    throw faultOf(error);
  } finally {
    aborted.stop();
  }
}

function endOfCertificate(socket: TLSSocket): number | undefined {
  const endsMs = Date.parse(socket.getPeerCertificate()?.valid_to ?? "");
  return Number.isNaN(endsMs) ? undefined : endsMs;
}

/** What is wrong with a certificate, by the codes of Node and OpenSSL; others are told by their code. */
const certificateFaults: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "has ended",
  CERT_NOT_YET_VALID: "is not valid yet",
  CERT_REVOKED: "was revoked",
  ERR_TLS_CERT_ALTNAME_INVALID: "is for other names",
  DEPTH_ZERO_SELF_SIGNED_CERT: "is signed by nobody who is trusted",
  SELF_SIGNED_CERT_IN_CHAIN: "is signed by nobody who is trusted",
  UNABLE_TO_GET_ISSUER_CERT: "is signed by nobody who is trusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "is signed by nobody who is trusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "is signed by nobody who is trusted",
};

function tlsFault(
  error: unknown,
  host: string,
  certificateEndsMs: number | undefined,
): NetworkFault {
  const { code = "" } = error as NodeJS.ErrnoException;
  const known = Object.hasOwn(certificateFaults, code) ? certificateFaults[code] : undefined;
  // Node judges the certificate once there is one; what fails later than that is the judgement.
  if (known === undefined && (certificateEndsMs === undefined || error instanceof NetworkFault))
    return networkFaultOf(error, host);
  const what = known ?? `is not valid (${code})`;
  return new NetworkFault("tls", `the certificate of ${host} ${what}`, {
    cause: error,
    certificateEndsMs,
  });
}
