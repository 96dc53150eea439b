import type { JsonSchema } from "../lib/json.ts";
import type { DaemonPlane } from "../reconcile/contract.ts";
import type { Staging } from "./staging.ts";

/** What a caller has to be allowed to do. `public` needs no token: it tells nothing. */
export type Permission =
  | "public"
  | "objects.read"
  | "objects.write"
  | "agents.message"
  | "agents.read"
  | "agents.control"
  | "questions.decide"
  | "watchers.read"
  | "watchers.control"
  | "crons.read"
  | "crons.control"
  | "daemon.read"
  | "daemon.control";

/** What routes work with. */
export interface Services {
  readonly plane: DaemonPlane;
  readonly staging: Staging;
  readonly version: string;
}

export interface RouteRequest {
  readonly params: Readonly<Record<string, string>>;
  /** Checked against the schemas of the route, and of the types that they say. */
  readonly query: Readonly<Record<string, string | number | boolean>>;
  /** Checked against the schema of the route. */
  readonly body: unknown;
  readonly bodyBytes: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** What a handler gives back: one value; a stream of values; or one value that may take long, so that a stream shows meanwhile that the daemon lives. */
export type Answer =
  | { readonly type: "json"; readonly value: unknown; readonly status?: 200 | 201 | 202 }
  | { readonly type: "lines"; readonly lines: AsyncIterable<unknown> }
  | { readonly type: "result"; readonly result: Promise<unknown> };

/** One row of the table of routes: the server, the permissions and the OpenAPI document are made from it. */
export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** `/v1/objects/:kind/:namespace/:name`. */
  readonly path: string;
  readonly permission: Permission;
  /** One sentence, for the OpenAPI document. */
  readonly summary: string;
  readonly query?: Readonly<Record<string, JsonSchema>>;
  readonly body?: JsonSchema;
  /** By status: how the answer is sent, and what it looks like; for lines, one of them. */
  readonly answers: Readonly<
    Record<number, { readonly as: "json" | "lines"; readonly schema: JsonSchema }>
  >;
  readonly handle: (request: RouteRequest, services: Services) => Answer | Promise<Answer>;
}

export async function json(
  value: Promise<unknown> | unknown,
  status: 200 | 201 | 202 = 200,
): Promise<Answer> {
  return { type: "json", value: await value, status };
}
