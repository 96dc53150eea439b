import type { ErrorData } from "../lib/errors.ts";
import type { ResourceKey } from "../state/resource.ts";

/** What server and client agree on besides the routes. */

/** The most bytes of the body of one request; larger sets are uploaded in parts. */
export const BODY_BYTES_MAX = 2 ** 20;
/** How long a stream may be silent before the server sends a line to show that it lives. */
export const HEARTBEAT_MS = 15_000;
/** How long a client believes in a silent stream: two heartbeats may be late. */
export const SILENCE_MS = 45_000;

/** The one shape of every failure: as the body of an answer, or as the last line of a stream. */
export interface Failure {
  readonly error: ErrorData;
  /** What the log of the daemon has the details under. */
  readonly id?: string;
}

/** The line that keeps a stream alive. */
export const heartbeat = { type: "heartbeat" } as const;

/** The last line of a stream whose only purpose is one answer. */
export interface ResultLine {
  readonly result: unknown;
}

/** What `GET /v1/version` says. */
export interface VersionAnswer {
  readonly version: string;
  readonly api: "v1";
  readonly pid: number;
}

/** Objects outside of namespaces have this in their path, which no namespace can be called. */
const NO_NAMESPACE = "-";

/** The path of an object: `/v1/objects/Agent/default/reviewer`. */
export function objectPath({ kind, namespace, name }: ResourceKey): string {
  const parts = [kind, namespace === "" ? NO_NAMESPACE : namespace, name];
  return `/v1/objects/${parts.map(encodeURIComponent).join("/")}`;
}

export function namespaceOfPath(part: string): string {
  return part === NO_NAMESPACE ? "" : part;
}
