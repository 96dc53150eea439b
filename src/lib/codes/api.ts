import type { CodePage } from "../codes.ts";

/** LEG80xx: the API of the daemon, its server and its client. */
export const apiCodes = {
  LEG8001: {
    title: "no daemon can be reached",
    why: "The command needs a running daemon, and nothing answers at the socket or the address where one would be.",
    fix: "Start one with legion up, or name the right one with --state-dir or --server.",
    exit: 4,
  },
  LEG8002: {
    title: "the answer is not one of a Legion daemon",
    why: "Something answered, but not in the form of this API: another program listens there, or the daemon is of a version that differs too much.",
    fix: "Check the address, and run the client and the daemon in the same version.",
    exit: 4,
  },
  LEG8003: {
    title: "the connection to the daemon was lost",
    why: "The connection ended before the answer was whole, or nothing came over it for longer than a living daemon keeps silent. What was asked for may have been done all the same.",
    fix: "Look with legion status whether the daemon runs, then run the command again.",
    exit: 4,
  },
  LEG8004: {
    title: "the daemon is shutting down",
    why: "It drains: turns that run may end, and nothing new begins.",
    fix: "Wait until it has ended and start it again with legion up.",
    exit: 4,
  },
  LEG8005: {
    title: "the daemon has too much to do",
    why: "There is a bound on connections and on uploads that are kept at the same time, so that the daemon stays responsive.",
    fix: "Try again in a moment, with fewer requests at the same time.",
  },
  LEG8006: {
    title: "no valid token",
    why: "Over TCP every request carries the token of the daemon, and this one had none or a wrong one.",
    fix: "Name the file that holds the token with --token-file; the daemon keeps its own in the file token of the state folder.",
    exit: 4,
  },
  LEG8007: {
    title: "the host name is not allowed",
    why: "The Host header of a request has to name this server. Another name is the mark of DNS rebinding, by which a web page reaches servers that it may not know.",
    fix: "Use localhost, 127.0.0.1 or the address that the daemon listens on.",
  },
  LEG8008: {
    title: "the origin is not allowed",
    why: "The request comes from a web page of another site, as its Origin header says.",
    fix: "Call the API from a program, or from a page that the daemon itself serves.",
  },
  LEG8009: {
    title: "not permitted",
    why: "What no permission is defined for is denied.",
    fix: "Use a route that GET /v1/openapi.json lists.",
  },
  LEG8010: {
    title: "no such route",
    why: "The API has nothing at that path.",
    fix: "GET /v1/openapi.json lists all routes.",
  },
  LEG8011: {
    title: "the method is not allowed here",
    why: "The path exists, but not with that method: GET reads and changes nothing, POST and DELETE change.",
    fix: "Use one of the methods that the message lists.",
  },
  LEG8012: {
    title: "the content type is not JSON",
    why: "Requests that change something carry application/json. Forms and plain text are what web pages can send without being asked.",
    fix: "Send the body as JSON, with the header Content-Type: application/json.",
    example: {
      wrong: "curl --unix-socket .legion/run/legion.sock -d '{}' http://localhost/v1/reconcile",
      right: "curl --unix-socket .legion/run/legion.sock --json '{}' http://localhost/v1/reconcile",
    },
  },
  LEG8013: {
    title: "the request is too large",
    why: "The body of one request may take 1 MiB, and its headers 16 KiB.",
    fix: "Send large sets in parts (POST /v1/applies), which legion apply does by itself; keep large texts in files.",
  },
  LEG8014: {
    title: "the request is not valid",
    why: "The body is not JSON, or the body or the query does not meet the schema of the route.",
    fix: "Correct what the message names; GET /v1/openapi.json has the schemas.",
    exit: 2,
  },
  LEG8015: {
    title: "no such upload",
    why: "A set that is uploaded in parts is kept for five minutes after its last part, and until it is committed.",
    fix: "Begin the upload again.",
  },
  LEG8016: {
    title: "the request came too slowly",
    why: "The headers of a request have to be whole after ten seconds, and its body after thirty.",
    fix: "Send the request at once.",
  },
  LEG8017: {
    title: "the request is not HTTP",
    why: "The bytes that came are not a request of HTTP/1.1.",
    fix: "Use an HTTP client.",
  },
  LEG8020: {
    title: "the folder of the socket is not safe",
    why: "Who may enter the folder of the socket may command the daemon. It has to be a folder of this user that nobody else can enter.",
    fix: "Remove what stands at that path, or name another state folder.",
  },
  LEG8021: {
    title: "the socket is in use",
    why: "A process listens at the path of the socket already, or something that is no socket stands there.",
    fix: "Stop the other process with legion down, or remove what stands at the path.",
    exit: 3,
  },
  LEG8022: {
    title: "listening beyond this machine needs TLS",
    why: "On an address that other machines reach, the token and all that agents say would cross the network as plain text.",
    fix: "Listen on 127.0.0.1, or give a certificate and its key.",
    example: {
      wrong: "legion up --listen 0.0.0.0:7117",
      right: "legion up --listen 0.0.0.0:7117 --tls-cert server.crt --tls-key server.key",
    },
    exit: 2,
  },
  LEG8023: {
    title: "the token file cannot be used",
    why: "The token is all that keeps others out, so its file has to be readable by its owner only and hold at least 256 random bits.",
    fix: "Make one with: umask 077; openssl rand -hex 32 > FILE.",
  },
  LEG8024: {
    title: "cannot listen there",
    why: "The operating system refused the address or the socket: it is in use, not one of this machine, or not for this user.",
    fix: "Name another address or port, or another state folder.",
  },
  LEG8025: {
    title: "the certificate cannot be used",
    why: "The certificate or its key cannot be read, or the two do not belong together.",
    fix: "Give PEM files of a certificate and of its key that this user may read.",
  },
} as const satisfies Record<string, CodePage>;
