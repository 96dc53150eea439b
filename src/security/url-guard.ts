import type { LookupAddress } from "node:dns";
import { lookup as systemLookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import {
  type AllowedHosts,
  blockedReason,
  isSingle,
  networkList,
  parseNetwork,
} from "./address.ts";
import { NetworkFault, networkFaultOf, whenAborted } from "./guarded-request-faults.ts";

/**
 * All addresses of a name. Every one is judged, and the connection is made to one of these and to no other: a second answer of the
 * name server has no effect (S30).
 */
export type Lookup = (name: string) => Promise<readonly LookupAddress[]>;

export const lookupAll: Lookup = (name) => systemLookup(name, { all: true, order: "verbatim" });

/** A host that may be asked: its name as it is sent, and the addresses that were judged. */
export interface VettedHost {
  /** Canonical, without brackets. */
  readonly host: string;
  readonly addresses: readonly LookupAddress[];
}

/** What opens hosts beyond the public internet: names, addresses and networks (CIDR). Throws a NetworkFault for what is none of them. */
export function allowedHosts(entries: readonly string[]): AllowedHosts {
  const named = entries.map((entry) => {
    const network = parseNetwork(entry);
    const host = network === undefined ? canonicalHost(entry) : undefined;
    if (network === undefined && host === undefined)
      throw new NetworkFault("blocked", `"${entry}" is neither a host nor a network`);
    return { network: network ?? parseNetwork(host ?? ""), host };
  });
  const networks = named.flatMap(({ network }) => network ?? []);
  const ofFamily = (family: string) =>
    networkList(networks.filter((each) => each.family === family));
  return {
    names: new Set(named.flatMap(({ host, network }) => (network ? [] : (host ?? [])))),
    ipv4: ofFamily("ipv4"),
    ipv6: ofFamily("ipv6"),
    single: networkList(networks.filter(isSingle)),
  };
}

/** Nothing but the public internet. */
export const publicOnly: AllowedHosts = allowedHosts([]);

/**
 * The form of a host that a URL would have: `0x7f.1`, `2130706433` and full-width digits are the address that they mean, names are in
 * small letters, IDNA and without a dot at the end, IPv6 is without brackets. Undefined when it is no host.
 */
export function canonicalHost(host: string): string | undefined {
  if (/[/?#@\\\s]/.test(host)) return undefined;
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  // A zone names an interface of this machine, which the URL form cannot say.
  if (isIP(bare) === 6) return bare.toLowerCase();
  if (bare.includes(":")) return undefined;
  const url = URL.parse(`http://${bare}/`);
  return url === null ? undefined : hostOf(url);
}

/** The host of a URL, as canonicalHost gives it. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}

/** Why a URL may not be asked whatever its host resolves to; undefined when that alone decides (S32). */
export function urlFault({ protocol, username, password }: URL): NetworkFault | undefined {
  if (protocol !== "http:" && protocol !== "https:")
    return new NetworkFault("blocked", `${protocol} is not http or https`);
  return username === "" && password === ""
    ? undefined
    : new NetworkFault("blocked", "the URL holds a user or a password");
}

/** Resolves a canonical host and judges every address of it: one that may not be asked blocks the host (S28 to S30). Throws a NetworkFault. */
export async function vetHost(
  host: string,
  { allowed, lookup = lookupAll, signal }: VetOptions,
): Promise<VettedHost> {
  const version = isIP(host);
  const addresses =
    version === 0 ? await resolved(host, lookup, signal) : [{ address: host, family: version }];
  if (addresses.length === 0) throw new NetworkFault("dns", `${host} has no address`);
  const isNamed = version === 0 && allowed.names.has(host);
  for (const { address } of addresses) {
    const reason = blockedReason(address, allowed, isNamed);
    if (reason !== undefined)
      throw new NetworkFault(
        "blocked",
        version === 0 ? `${host} is at ${address}, ${reason}` : `${address} is ${reason}`,
      );
  }
  return { host, addresses };
}

export interface VetOptions {
  readonly allowed: AllowedHosts;
  readonly lookup?: Lookup | undefined;
  readonly signal: AbortSignal;
}

/** Answers a connection with addresses that were judged before; it asks no name server. */
export function pinnedLookup(addresses: readonly LookupAddress[]): LookupFunction {
  return (_host, { all, family }, callback) => {
    const wanted =
      family === 4 || family === "IPv4" ? 4 : family === 6 || family === "IPv6" ? 6 : 0;
    const fitting = addresses.filter((each) => wanted === 0 || each.family === wanted);
    const [first] = fitting;
    if (first === undefined) callback(new Error("no address of that family"), "", 0);
    else if (all === true) callback(null, [...fitting]);
    else callback(null, first.address, first.family);
  };
}

/** A lookup cannot be ended; one that comes too late is left behind. */
async function resolved(
  host: string,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<readonly LookupAddress[]> {
  const aborted = whenAborted(signal, host);
  try {
    return await Promise.race([lookup(host), aborted.promise]);
  } catch (error) {
    throw networkFaultOf(error, host);
  } finally {
    aborted.stop();
  }
}
