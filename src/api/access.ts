import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { LegionError } from "../lib/errors.ts";
import { bareHost, hostOfHeader } from "./addresses.ts";

/** Who may speak to a listener. */
export interface Access {
  /** Names that the Host header may have, besides the address of this end of the connection. */
  readonly hosts: ReadonlySet<string>;
  /** Absent on a socket whose folder keeps everybody else out. */
  readonly token?: string;
}

export interface Caller {
  readonly headers: IncomingHttpHeaders;
  /** The address of this end of the connection; a socket file has none. */
  readonly localAddress: string | undefined;
}

export const LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "::1"] as const;

/** Refuses requests that a web page could have sent: for another name (DNS rebinding), or from another site. */
export function refuseForeign({ headers, localAddress }: Caller, access: Access): void {
  const host = hostOfHeader(headers.host);
  // Rebinding needs a name: an address in the header is the one that was dialled.
  const own = localAddress?.replace(/^::ffff:/, "");
  if (host === undefined || (!access.hosts.has(host) && host !== own))
    throw new LegionError({
      code: "LEG8007",
      message: "the Host header does not name this server",
      hint: "use localhost or the address that the daemon listens on",
    });
  if (headers.origin !== undefined && !isSameOrigin(headers.origin, headers.host ?? ""))
    throw new LegionError({
      code: "LEG8008",
      message: "the request comes from another site",
      hint: "call the API from a program",
    });
}

/** Refuses a caller without the token of the listener. The comparison takes the same time whatever is wrong. */
export function refuseStranger({ headers }: Caller, { token }: Access): void {
  if (token === undefined) return;
  const given = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1] ?? "";
  if (timingSafeEqual(digest(given), digest(token))) return;
  throw new LegionError({
    code: "LEG8006",
    message: "the request has no valid token",
    hint: "send the header Authorization: Bearer TOKEN, with the token of the daemon",
  });
}

export function hostsOf(names: readonly string[]): ReadonlySet<string> {
  // What stands for all addresses is the name of none.
  const own = names.map(bareHost).filter((name) => name !== "0.0.0.0" && name !== "::");
  return new Set([...LOOPBACK_HOSTS, ...own]);
}

function isSameOrigin(origin: string, host: string): boolean {
  return URL.parse(origin)?.host === host.toLowerCase();
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
