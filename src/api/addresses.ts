import { isIP } from "node:net";

/** Whether only this machine reaches the host. */
export function isLoopback(host: string): boolean {
  const name = bareHost(host);
  if (name === "localhost" || name === "::1") return true;
  return isIP(name) === 4 && name.startsWith("127.");
}

/** The host without the brackets of IPv6, in lower case. */
export function bareHost(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
}

/** The name in a Host header, without the port; undefined when it is none. */
export function hostOfHeader(header: string | undefined): string | undefined {
  const found = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(header ?? "");
  return found?.[1] === undefined ? undefined : bareHost(found[1]);
}

/** The URL of a listener, brackets around IPv6. */
export function urlOf(scheme: "http" | "https", host: string, port: number): string {
  return `${scheme}://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}
