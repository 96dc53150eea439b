import type { CodePage } from "../codes.ts";

/** LEG275x: what watchers look at. */
export const watchSourceCodes = {
  LEG2750: {
    title: "the caFile cannot be used",
    why: "A Watcher of type httpPoll names a file of certificates that is not there, cannot be read, is larger than 1 MiB, or stands outside of the folder that the manifests were loaded from.",
    fix: "Put the certificates into the file that the message names, or correct spec.caFile; the path is relative to the manifest.",
    example: { wrong: "caFile: /etc/ssl/company.pem", right: "caFile: company.pem" },
  },
  LEG2751: {
    title: "the caFile holds no certificate",
    why: "The file has to hold certificates in PEM, one after the other. What it holds is something else: a key, a certificate in another form, or nothing.",
    fix: "Write the certificates in PEM; openssl x509 -inform der -in FILE turns one in the binary form into it.",
  },
  LEG2752: {
    title: "neither a host nor a network",
    why: "spec.allowPrivate lists the hosts and networks besides the public internet that a Watcher may ask. One entry is none of the two.",
    fix: "Write host names without a scheme, a port or a path, addresses, or networks in CIDR form.",
    example: {
      wrong: 'allowPrivate: ["http://localhost:8080"]',
      right: "allowPrivate: [localhost]",
    },
  },
  LEG2753: {
    title: "no keys to look at",
    why: "A Watcher of type kvWatch looks at a key of a namespace that agents share, or at one of those that an agent has to itself. It names neither the namespace nor the agent.",
    fix: "Set spec.kvNamespace to the namespace of the kv tool, or spec.agent to the agent that keeps the key.",
    example: { wrong: "key: deploys", right: "key: deploys\nkvNamespace: releases" },
  },
  LEG2754: {
    title: "the url cannot be read",
    why: "spec.url of a Watcher begins like a URL, but what follows is no host, port or path that one can have.",
    fix: "Correct the URL; brackets belong only around IPv6 addresses, and a port is a number up to 65535.",
    example: { wrong: "url: http://shop:80000/", right: "url: http://shop:8000/" },
  },
  LEG2755: {
    title: "the pattern of a process cannot be used",
    why: "spec.match of a Watcher is a regular expression that is wrong, or that RE2 does not have: look-ahead, look-behind and back references would take for ever on some command lines.",
    fix: "Correct the pattern, or write it without these.",
    example: { wrong: "match: node(?=.*server)", right: "match: node.*server" },
  },
} as const satisfies Record<string, CodePage>;
