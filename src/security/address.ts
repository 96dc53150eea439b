import { BlockList, isIP } from "node:net";

/** Networks that are not the public internet (S28, and the special-purpose registries of IANA): the network, and what an address of it is. */
const reservedNetworks: readonly (readonly [cidr: string, what: string])[] = [
  ["0.0.0.0/8", "an address of this network"],
  ["10.0.0.0/8", "a private address"],
  ["100.64.0.0/10", "a shared address behind a carrier's translation"],
  ["127.0.0.0/8", "a loopback address"],
  ["169.254.0.0/16", "a link-local address"],
  ["172.16.0.0/12", "a private address"],
  ["192.0.0.0/24", "a reserved address"],
  ["192.0.2.0/24", "an address for documentation"],
  ["192.88.99.0/24", "a reserved address"],
  ["192.168.0.0/16", "a private address"],
  ["198.18.0.0/15", "an address for benchmarks"],
  ["198.51.100.0/24", "an address for documentation"],
  ["203.0.113.0/24", "an address for documentation"],
  ["224.0.0.0/4", "a multicast address"],
  ["240.0.0.0/4", "a reserved address"],
  ["::/128", "the unspecified address"],
  ["::1/128", "a loopback address"],
  ["::/96", "an IPv4 address in IPv6 form"],
  ["::ffff:0:0/96", "an IPv4 address in IPv6 form"],
  ["::ffff:0:0:0/96", "an IPv4 address in IPv6 form"],
  ["64:ff9b::/96", "an IPv4 address in IPv6 form"],
  ["64:ff9b:1::/48", "an IPv4 address in IPv6 form"],
  ["100::/64", "a reserved address"],
  ["2001::/23", "a reserved address"],
  ["2001:db8::/32", "an address for documentation"],
  ["2002::/16", "an IPv4 address in IPv6 form"],
  ["3fff::/20", "an address for documentation"],
  ["5f00::/16", "a reserved address"],
  ["fc00::/7", "a private address"],
  ["fe80::/10", "a link-local address"],
  ["fec0::/10", "a private address"],
  ["ff00::/8", "a multicast address"],
];

/** Where clouds hand their credentials to whoever asks: each address in the forms that lead there. Only its own name opens one. */
const metadataAddresses: readonly string[] = [
  "169.254.169.254",
  "169.254.170.2",
  "169.254.170.23",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
  "fd00:ec2::254",
  "fd00:ec2::23",
  "fd20:ce::254",
];
const METADATA = "an address at which a cloud gives out credentials";

/** Which hosts and networks are opened beyond the public internet. */
export interface AllowedHosts {
  /** Canonical names: what they resolve to is open, but for metadata. */
  readonly names: ReadonlySet<string>;
  readonly ipv4: BlockList;
  readonly ipv6: BlockList;
  /** Single addresses that were named one by one; the only way to open one of metadata. */
  readonly single: BlockList;
}

/** An address or a network, written as people do. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: "ipv4" | "ipv6";
}

/** `10.0.0.0/8`, or an address alone, which is a network of one; undefined when it is neither. */
export function parseNetwork(text: string): Network | undefined {
  const [address = "", length, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || address.includes("%")) return undefined;
  const bits = version === 4 ? 32 : 128;
  const prefix = length === undefined ? bits : Number(length);
  if (length !== undefined && (!/^[0-9]{1,3}$/.test(length) || prefix > bits)) return undefined;
  return { address, prefix, family: version === 4 ? "ipv4" : "ipv6" };
}

/** Whether the address is a network of one: a single machine. */
export function isSingle({ prefix, family }: Network): boolean {
  return prefix === (family === "ipv4" ? 32 : 128);
}

/**
 * Why an address may not be asked; undefined when it may: it is public, or `allowed` opens it, by its network or, with `isNamed`, by the
 * name that it was resolved from. An address is what the system parsed it to be, so that no spelling of it counts. What is no address may not.
 */
export function blockedReason(
  address: string,
  allowed: AllowedHosts,
  isNamed = false,
): string | undefined {
  const [bare = ""] = address.split("%");
  const version = isIP(bare);
  if (version === 0) return "not an address";
  const family = version === 4 ? "ipv4" : "ipv6";
  if (allowed.single.check(bare, family)) return undefined;
  if (metadata[family].check(bare, family)) return METADATA;
  if (isNamed || isWithin(bare, family, allowed)) return undefined;
  return reserved[family].find(({ network }) => network.check(bare, family))?.what;
}

/** A list of networks by family: BlockList takes an IPv4 address for the IPv6 one that embeds it, which would make ::ffff:0:0/96 hold all of them. */
function isWithin(address: string, family: "ipv4" | "ipv6", { ipv4, ipv6 }: AllowedHosts): boolean {
  return ipv4.check(address, family) || (family === "ipv6" && ipv6.check(address, family));
}

/** A list that holds these networks. */
export function networkList(networks: readonly Network[]): BlockList {
  const list = new BlockList();
  for (const { address, prefix, family } of networks) list.addSubnet(address, prefix, family);
  return list;
}

const reserved = { ipv4: reservedOf("ipv4"), ipv6: reservedOf("ipv6") };
const metadata = { ipv4: metadataOf("ipv4"), ipv6: metadataOf("ipv6") };

function reservedOf(family: Network["family"]) {
  return reservedNetworks.flatMap(([cidr, what]) => {
    const network = parseNetwork(cidr);
    return network?.family === family ? [{ network: networkList([network]), what }] : [];
  });
}

function metadataOf(family: Network["family"]): BlockList {
  const forms = metadataAddresses.flatMap((address) =>
    isIP(address) === 4 ? [address, ...embeddings(address)] : [address],
  );
  const networks = forms.flatMap((form) => parseNetwork(form) ?? []);
  return networkList(networks.filter((network) => network.family === family));
}

/** The IPv6 forms by which translators and tunnels lead to an IPv4 address. */
function embeddings(address: string): string[] {
  const hex = Buffer.from(address.split(".").map(Number)).toString("hex");
  const groups = `${hex.slice(0, 4)}:${hex.slice(4)}`;
  return [
    `::${groups}`,
    `::ffff:${groups}`,
    `::ffff:0:${groups}`,
    `64:ff9b::${groups}`,
    `2002:${groups}::/48`,
  ];
}
