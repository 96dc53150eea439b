import { BlockList, isIP } from "node:net";
import { messageOf } from "../../lib/errors.ts";
import { linearPattern } from "../../lib/patterns.ts";
import type { ManifestObject } from "../objects.ts";
import { type CheckContext, type Finding, faultAt } from "./context.ts";
import { credentialsOf } from "./source-place.ts";

type Watcher = ManifestObject<"Watcher">;
type Spec = Watcher["spec"];

/** What a watcher looks at can be looked at: its url, hosts, pattern and files, as far as the manifest tells. */
export function checkWatched(watcher: Watcher, { report }: CheckContext): void {
  for (const look of looks) for (const finding of look(watcher)) report(faultAt(watcher, finding));
}

const looks: readonly ((watcher: Watcher) => readonly Finding[])[] = [
  urlFindings,
  hostFindings,
  allowedFindings,
  privateFindings,
  bodyFindings,
  keyFindings,
  matchFindings,
  remoteFindings,
];

function urlFindings({ spec: { url } }: Watcher): readonly Finding[] {
  if (url === undefined) return [];
  const path = ["spec", "url"];
  const words = credentialsOf(url);
  if (words !== undefined) {
    const summary = "the url holds a user or password";
    const detail =
      "write it without, and give an authorization header by valueFrom; revoke them if they were committed";
    return [{ code: "LEG1100", path, words, isSecret: true, summary, detail }];
  }
  if (URL.canParse(url)) return [];
  const summary = `Watcher spec.url is no URL: "${url}"`;
  const detail = "write https://, a host, and a path: https://shop.example.com/health";
  return [{ code: "LEG1010", path, summary, detail }];
}

/** A host is a name or an address, and nothing around it. */
function hostFindings({ spec: { host } }: Watcher): readonly Finding[] {
  if (host === undefined || isHost(host)) return [];
  const [, name, port] = /^([^:]+):([0-9]{1,5})$/.exec(host) ?? [];
  const detail =
    port === undefined
      ? "write a name or an address, such as db.example.com"
      : `write host: ${name} and port: ${port}`;
  const summary = `Watcher spec.host is neither a name nor an address: "${host}"`;
  return [{ code: "LEG1010", path: ["spec", "host"], summary, detail }];
}

function allowedFindings({ spec: { allowPrivate = [] } }: Watcher): readonly Finding[] {
  return allowPrivate.flatMap((entry, index) => {
    if (isHost(entry) || networkOf(entry) !== undefined) return [];
    const [, inUrl, beforePort] = /^https?:\/\/([^/:\s]+)|^([^/:\s]+):[0-9]+$/.exec(entry) ?? [];
    const name = inUrl ?? beforePort;
    const hint = name === undefined ? "" : `did you mean "${name}"?\n`;
    return [
      {
        code: "LEG1010",
        path: ["spec", "allowPrivate", index],
        summary: `Watcher spec.allowPrivate[${index}] is neither a host nor a network: "${entry}"`,
        detail: `${hint}write a name, an address, or a network such as 10.0.0.0/8`,
      },
    ];
  });
}

/** A host that plainly is no public one, and nothing that opens it: every look would be refused. */
function privateFindings({ spec }: Watcher): readonly Finding[] {
  const { url, host, allowPrivate = [] } = spec;
  const field = url === undefined ? "host" : "url";
  const asked = url === undefined ? host : URL.parse(url)?.hostname.replace(/^\[(.*)\]$/, "$1");
  if (asked === undefined || allowPrivate.length > 0 || !isPlainlyPrivate(asked)) return [];
  const summary = `"${asked}" is no public address, so that every look at it is refused`;
  const detail = `add it to spec.allowPrivate: [${isIP(asked) === 6 ? `"${asked}"` : asked}]`;
  return [
    { severity: "warning", code: "LEG1114", path: ["spec", field], summary, detail, words: asked },
  ];
}

function bodyFindings({ spec: { body, method } }: Watcher): readonly Finding[] {
  if (body === undefined || method === "POST") return [];
  const summary = `field "body" does not go with method ${method ?? "GET"}`;
  const detail = "add method: POST, or remove the body";
  return [{ code: "LEG1011", path: ["spec", "body"], part: "key", summary, detail }];
}

/** Without a namespace of its own the key is one of the agent's. */
function keyFindings({ name, spec }: Watcher): readonly Finding[] {
  const { type, kvNamespace, agent } = spec;
  if (type !== "kvWatch" || kvNamespace !== undefined || agent !== undefined) return [];
  const summary = `Watcher "${name}" looks at a key of its agent, and names none`;
  const detail = "add spec.agent, or spec.kvNamespace for keys that agents share";
  return [{ code: "LEG1116", path: ["spec", "key"], summary, detail }];
}

function matchFindings({ spec: { match } }: Watcher): readonly Finding[] {
  if (match === undefined) return [];
  try {
    linearPattern(match);
    return [];
  } catch (error) {
    const summary = `Watcher spec.match is no regular expression: ${messageOf(error)}`;
    const detail = "write one of RE2, which has no look-ahead, look-behind or back references";
    return [{ code: "LEG1010", path: ["spec", "match"], summary, detail }];
  }
}

/** What came from another machine does not look at files of this one, and runs no programs on it. */
function remoteFindings({ spec, source }: Watcher): readonly Finding[] {
  if (source.isRemote !== true) return [];
  const local: readonly (readonly [keyof Spec, string])[] = [
    ["path", `names a file, "${spec.path}"`],
    ["pidFile", `names a file, "${spec.pidFile}"`],
    ["command", "runs a program"],
  ];
  return local.flatMap(([field, what]) =>
    spec[field] === undefined
      ? []
      : [
          {
            code: "LEG1113",
            path: ["spec", field],
            summary: `the manifest came from ${source.shown} and ${what}`,
            detail: "load it from a folder or a git repository",
          },
        ],
  );
}

function isHost(text: string): boolean {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  if (isIP(bare) !== 0) return true;
  return !/[/?#@\\\s:*]/.test(text) && URL.canParse(`http://${text}/`);
}

/** The network of `10.0.0.0/8`. */
function networkOf(text: string): string | undefined {
  const [, address = "", bits = ""] = /^([^/%]+)\/([0-9]{1,3})$/.exec(text) ?? [];
  const most = { 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return Number(bits) <= most ? address : undefined;
}

const privateNetworks = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const)
  privateNetworks.addSubnet(network, bits, "ipv4");
for (const [network, bits] of [
  ["::1", 128],
  ["fc00::", 7],
  ["fe80::", 10],
] as const)
  privateNetworks.addSubnet(network, bits, "ipv6");

/** What names mean is known only when they are asked; localhost is always this machine. */
function isPlainlyPrivate(host: string): boolean {
  const version = isIP(host);
  if (version === 0) return /(^|\.)localhost\.?$/i.test(host);
  return privateNetworks.check(host, version === 4 ? "ipv4" : "ipv6");
}
