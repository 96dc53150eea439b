// Goal: nothing but the public internet can be reached unless it is opened by name, however an address is written (S28 to S30, S32).
// Method: tables of addresses and spellings; a name server that answers what the test says.
import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import { isIP } from "node:net";
import { describe, test } from "node:test";
import fc from "fast-check";
import { blockedReason, parseNetwork } from "./address.ts";
import { allowedHosts, canonicalHost, hostOf, publicOnly, urlFault, vetHost } from "./url-guard.ts";

const never = new AbortController().signal;

function answering(...addresses: readonly string[]): () => Promise<readonly LookupAddress[]> {
  return async () => addresses.map((address) => ({ address, family: isIP(address) }));
}

describe("S28: networks that are not public are blocked", () => {
  const rows: readonly (readonly [network: string, first: string, last: string])[] = [
    ["127/8", "127.0.0.1", "127.255.255.255"],
    ["10/8", "10.0.0.0", "10.255.255.255"],
    ["172.16/12", "172.16.0.1", "172.31.255.255"],
    ["192.168/16", "192.168.0.1", "192.168.255.255"],
    ["169.254/16", "169.254.0.1", "169.254.255.255"],
    ["100.64/10", "100.64.0.0", "100.127.255.255"],
    ["0/8", "0.0.0.0", "0.255.255.255"],
    ["192.0.0/24", "192.0.0.1", "192.0.0.255"],
    ["198.18/15", "198.18.0.0", "198.19.255.255"],
    ["224/4", "224.0.0.1", "239.255.255.255"],
    ["240/4", "240.0.0.1", "255.255.255.255"],
    ["::1", "::1", "0:0:0:0:0:0:0:1"],
    ["::", "::", "0:0::0"],
    ["fc00::/7", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
    ["fe80::/10", "fe80::1", "febf::1"],
    ["ff00::/8", "ff00::", "ff02::1"],
    ["::ffff:0:0/96", "::ffff:0.0.0.0", "::ffff:8.8.8.8"],
    ["64:ff9b::/96", "64:ff9b::808:808", "64:ff9b::ffff:ffff"],
    ["2002::/16", "2002::", "2002:ffff::1"],
    ["addresses for documentation", "192.0.2.1", "2001:db8::1"],
    ["IPv4 in the oldest IPv6 form", "::7f00:1", "::808:808"],
    ["Teredo", "2001::1", "2001:0:ffff::1"],
    ["a zone of an interface", "fe80::1%eth0", "fe80::1%1"],
  ];
  for (const [network, first, last] of rows) {
    test(network, () => {
      assert.notEqual(blockedReason(first, publicOnly), undefined, first);
      assert.notEqual(blockedReason(last, publicOnly), undefined, last);
    });
  }

  const publicAddresses = [
    ...["1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0"],
    ...["126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255"],
    ...["172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0"],
    ...["223.255.255.255", "2606:4700:4700::1111", "2001:4860:4860::8888", "2003::1"],
  ];
  for (const address of publicAddresses) {
    test(`${address} is public`, () => {
      assert.equal(blockedReason(address, publicOnly), undefined);
    });
  }

  test("no IPv4 address is judged otherwise than by its number", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const [a = 0, b = 0, c = 0] = address.split(".").map(Number);
        const isReserved =
          [0, 10, 127].includes(a) ||
          a >= 224 ||
          (a === 100 && b >= 64 && b < 128) ||
          (a === 169 && b === 254) ||
          (a === 172 && b >= 16 && b < 32) ||
          (a === 192 &&
            (b === 168 || (b === 0 && (c === 0 || c === 2)) || (b === 88 && c === 99))) ||
          (a === 198 && (b === 18 || b === 19 || (b === 51 && c === 100))) ||
          (a === 203 && b === 0 && c === 113) ||
          address === "168.63.129.16";
        assert.equal(blockedReason(address, publicOnly) !== undefined, isReserved, address);
        assert.notEqual(blockedReason(`::ffff:${address}`, publicOnly), undefined);
      }),
      { numRuns: 2_000 },
    );
  });

  test("what is no address is blocked", () => {
    for (const text of ["", "localhost", "1.2.3", "0x7f.1", "::g"])
      assert.equal(blockedReason(text, publicOnly), "not an address");
  });
});

describe("S29: a host is judged by the address that it means", () => {
  const rows: readonly (readonly [written: string, address: string])[] = [
    ["0x7f.1", "127.0.0.1"],
    ["0x7f000001", "127.0.0.1"],
    ["2130706433", "127.0.0.1"],
    ["0177.0.0.1", "127.0.0.1"],
    ["0177.0.1", "127.0.0.1"],
    ["127.1", "127.0.0.1"],
    ["127.0.0.1.", "127.0.0.1"],
    ["１２７.０.０.１", "127.0.0.1"],
    ["127。0。0。1", "127.0.0.1"],
    ["①②⑦.0.0.1", "127.0.0.1"],
    ["%31%32%37.0.0.1", "127.0.0.1"],
    ["[::ffff:7f00:1]", "::ffff:7f00:1"],
    ["[::ffff:127.0.0.1]", "::ffff:7f00:1"],
    ["[0:0:0:0:0:0:0:1]", "::1"],
    ["0", "0.0.0.0"],
    ["user@127.0.0.1", "127.0.0.1"],
    ["8.8.8.8@127.0.0.1", "127.0.0.1"],
    ["8.8.8.8:80@127.0.0.1", "127.0.0.1"],
  ];
  for (const [written, address] of rows) {
    test(`${written} is ${address}`, async () => {
      const host = hostOf(new URL(`http://${written}/`));
      assert.equal(host, address);
      const lookup = answering("8.8.8.8");
      await assert.rejects(vetHost(host, { allowed: publicOnly, lookup, signal: never }), {
        code: "blocked",
      });
    });
  }

  const hosts: readonly (readonly [written: string, host: string | undefined])[] = [
    ["LOCALHOST", "localhost"],
    ["localhost.", "localhost"],
    ["ⓛocalhost", "localhost"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["::1", "::1"],
    ["[::1]", "::1"],
    ["FE80::1%eth0", "fe80::1%eth0"],
    ["0x7f.1", "127.0.0.1"],
    ["a/b", undefined],
    ["user@host", undefined],
    ["host:80", undefined],
    ["a b", undefined],
    ["1.2.3.4.5", undefined],
  ];
  for (const [written, host] of hosts) {
    test(`the host ${written} is ${host ?? "none"}`, () => {
      assert.equal(canonicalHost(written), host);
    });
  }
});

describe("S30: every address of an answer is judged", () => {
  const vet = (addresses: readonly string[], allow: readonly string[] = []) =>
    vetHost("shop.example", {
      ...{ allowed: allowedHosts(allow), lookup: answering(...addresses), signal: never },
    });

  test("an answer of public addresses is given whole", async () => {
    const { addresses } = await vet(["93.184.215.14", "2606:2800:21f:cb07::1"]);
    assert.deepEqual(
      addresses.map(({ address }) => address),
      ["93.184.215.14", "2606:2800:21f:cb07::1"],
    );
  });

  for (const mixed of [
    ["93.184.215.14", "127.0.0.1"],
    ["10.0.0.1", "93.184.215.14"],
    ["93.184.215.14", "::1"],
    ["93.184.215.14", "fe80::1%eth0"],
  ]) {
    test(`${mixed.join(" and ")} together are blocked`, async () => {
      await assert.rejects(vet(mixed), { code: "blocked", message: /^shop\.example is at / });
    });
  }

  test("a name without an address, and one that is not known, are told as such", async () => {
    await assert.rejects(vet([]), { code: "dns" });
    const lookup = async () => {
      throw Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });
    };
    const options = { allowed: publicOnly, lookup, signal: never };
    await assert.rejects(vetHost("gone.example", options), {
      code: "dns",
      message: "gone.example cannot be resolved",
    });
  });

  test("a name server that never answers does not hold up who was aborted", async () => {
    const stop = new AbortController();
    const lookup = () => {
      stop.abort();
      return new Promise<never>(() => {});
    };
    const options = { allowed: publicOnly, lookup, signal: stop.signal };
    await assert.rejects(vetHost("slow.example", options), { code: "timeout" });
  });
});

describe("what is opened", () => {
  const rows: readonly {
    readonly name: string;
    readonly allow: readonly string[];
    readonly address: string;
    readonly host?: string;
    readonly isOpen: boolean;
  }[] = [
    { name: "an address", allow: ["127.0.0.1"], address: "127.0.0.1", isOpen: true },
    { name: "not its neighbour", allow: ["127.0.0.1"], address: "127.0.0.2", isOpen: false },
    { name: "a network", allow: ["10.0.0.0/8"], address: "10.2.3.4", isOpen: true },
    { name: "not another network", allow: ["10.0.0.0/8"], address: "192.168.0.1", isOpen: false },
    { name: "IPv4 in IPv6", allow: ["10.0.0.0/8"], address: "::ffff:10.2.3.4", isOpen: true },
    { name: "not IPv4 by IPv6", allow: ["::/0"], address: "10.2.3.4", isOpen: false },
    { name: "an IPv6 network", allow: ["fd00::/8"], address: "fd12::1", isOpen: true },
    { name: "a name", allow: ["db.local"], address: "10.0.0.1", host: "db.local", isOpen: true },
    {
      name: "not another name",
      allow: ["db.local"],
      address: "10.0.0.1",
      host: "x.local",
      isOpen: false,
    },
    {
      name: "not a name below",
      allow: ["local"],
      address: "10.0.0.1",
      host: "db.local",
      isOpen: false,
    },
    {
      name: "a name in capitals",
      allow: ["DB.local."],
      address: "10.0.0.1",
      host: "db.local",
      isOpen: true,
    },
    { name: "an odd spelling", allow: ["0x7f.1"], address: "127.0.0.1", isOpen: true },
    {
      name: "not metadata by network",
      allow: ["169.254.0.0/16"],
      address: "169.254.169.254",
      isOpen: false,
    },
    {
      name: "not metadata by all",
      allow: ["0.0.0.0/0", "::/0"],
      address: "169.254.169.254",
      isOpen: false,
    },
    {
      name: "not metadata by a name",
      allow: ["evil.example"],
      address: "169.254.169.254",
      host: "evil.example",
      isOpen: false,
    },
    {
      name: "not metadata in IPv6 form",
      allow: ["::/0", "0.0.0.0/0"],
      address: "::ffff:169.254.169.254",
      isOpen: false,
    },
    {
      name: "not metadata by a translator",
      allow: ["64:ff9b::/96"],
      address: "64:ff9b::a9fe:a9fe",
      isOpen: false,
    },
    {
      name: "not metadata by a tunnel",
      allow: ["2002::/16"],
      address: "2002:a9fe:a9fe::1",
      isOpen: false,
    },
    { name: "not the IPv6 metadata", allow: ["fd00::/8"], address: "fd00:ec2::254", isOpen: false },
    {
      name: "metadata by its address",
      allow: ["169.254.169.254"],
      address: "169.254.169.254",
      isOpen: true,
    },
    {
      name: "metadata by its network of one",
      allow: ["fd00:ec2::254/128"],
      address: "fd00:ec2::254",
      isOpen: true,
    },
  ];
  for (const { name, allow, address, host = "any.example", isOpen } of rows) {
    test(`${name}: ${allow.join(", ")} for ${address}`, async () => {
      const options = { allowed: allowedHosts(allow), lookup: answering(address), signal: never };
      const vetted = await vetHost(host, options).catch(({ code }) => code);
      assert.equal(vetted !== "blocked", isOpen);
    });
  }

  for (const entry of [
    "10.0.0.0/33",
    "http://localhost",
    "localhost:80",
    "a b",
    "10.0.0.0/8/8",
    "::/129",
    "/8",
  ])
    test(`${entry} opens nothing and is told`, () => {
      assert.throws(() => allowedHosts([entry]), { code: "blocked" });
    });

  test("a network is read with and without its length", () => {
    assert.deepEqual(parseNetwork("10.0.0.0/8"), {
      address: "10.0.0.0",
      prefix: 8,
      family: "ipv4",
    });
    assert.deepEqual(parseNetwork("::1"), { address: "::1", prefix: 128, family: "ipv6" });
    assert.equal(parseNetwork("10.0.0.0/08.0"), undefined);
    assert.equal(parseNetwork("10.0.0.0/"), undefined);
  });
});

describe("S32: schemes and users", () => {
  for (const url of [
    "file:///etc/passwd",
    "data:text/plain,x",
    "unix:/run/x.sock",
    "ftp://8.8.8.8/",
    "http://user@8.8.8.8/",
    "http://user:hunter2@8.8.8.8/",
    "https://:hunter2@8.8.8.8/",
  ])
    test(`${url} is not asked`, () => {
      const fault = urlFault(new URL(url));
      assert.equal(fault?.code, "blocked");
      assert.doesNotMatch(fault.message, /hunter2/);
    });

  test("http and https are", () => {
    for (const url of ["http://8.8.8.8/", "https://example.com:8443/x?y"])
      assert.equal(urlFault(new URL(url)), undefined);
  });
});
