import type { IncomingMessage } from "node:http";
import { LegionError } from "../lib/errors.ts";
import { isObject } from "../lib/json.ts";
import type { ApiObject, DaemonPlane } from "../reconcile/contract.ts";
import type { ResourceKey } from "../state/resource.ts";
import { lost, readLines } from "./ndjson.ts";
import { type Remote, remoteAgents } from "./remote-agents.ts";
import { remoteWatching } from "./remote-watching.ts";
import { type Call, chunksOf, failureOf, fetchJson, open, type Target } from "./transport.ts";
import { type Upload, uploadOfApply, uploadOfPlan } from "./upload.ts";
import { objectPath } from "./wire.ts";

/** So many keys of the longest names fit into one body. */
const KEYS_PER_DELETE = 1_000;

/** The plane of a daemon over HTTP. */
export function remotePlane(target: Target): DaemonPlane {
  const get = (path: string) => fetchJson(target, { method: "GET", path });
  const post = (path: string, body: unknown) =>
    fetchJson(target, { method: "POST", path, body: JSON.stringify(body) });
  const upload = (folder: string, whole: string, what: Upload) =>
    what.type === "whole"
      ? fetchJson(target, { method: "POST", path: whole, body: what.body })
      : uploaded(target, folder, what);
  const remote: Remote = {
    ...{ get, post, queryText },
    remove: (path) => fetchJson(target, { method: "DELETE", path }),
    result: (path, body, signal) => result(target, path, body, signal),
  };
  // What comes back has the form that the routes of this version say: both sides are tested against one schema.
  const plane = {
    list: (query) => get(`/v1/objects${queryText(query)}`),
    read: (key) => get(objectPath(key)).catch(absent),
    history: (key) => get(`${objectPath(key)}/history`),
    watch: (since, query, signal) =>
      follow(target, `/v1/watch${queryText({ since, ...query })}`, signal),
    apply: (request) => upload("/v1/applies", "/v1/apply", uploadOfApply(request)),
    applyPlan: (plan, manager) =>
      upload("/v1/plans", "/v1/plans/apply", uploadOfPlan(plan, manager)),
    delete: async (keys, options = {}) => {
      const gone: unknown[] = [];
      for (let from = 0; from < keys.length; from += KEYS_PER_DELETE) {
        const part = keys.slice(from, from + KEYS_PER_DELETE).map(bareKey);
        gone.push(...((await post("/v1/delete", { keys: part, ...options })) as ApiObject[]));
      }
      return gone;
    },
    edit: (key, edit) => post(`${objectPath(key)}/metadata`, edit),
    rollback: (key, toGeneration) =>
      post(`${objectPath(key)}/rollback`, toGeneration === undefined ? {} : { toGeneration }),
    status: () => get("/v1/status"),
    reconcile: (options) => result(target, "/v1/reconcile", options),
    shutdown: async () => void (await post("/v1/shutdown", {})),
    restart: (key) => result(target, `${objectPath(key)}/restart`, {}),
    ...remoteAgents(remote),
    ...remoteWatching(remote),
    events: (query, signal) => follow(target, `/v1/events${queryText(query)}`, signal),
  } satisfies {
    readonly [M in keyof DaemonPlane]: (...args: Parameters<DaemonPlane[M]>) => unknown;
  };
  return plane as unknown as DaemonPlane;
}

function absent(error: unknown): undefined {
  if (error instanceof LegionError && error.code === "LEG6030") return undefined;
  throw error;
}

function bareKey({ kind, namespace, name }: ResourceKey): ResourceKey {
  return { kind, namespace, name };
}

function queryText(query: object): string {
  const fields = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return fields.length === 0 ? "" : `?${new URLSearchParams(fields)}`;
}

/** Sends a large set in parts; when a part is refused, the daemon need not keep the others until they expire. */
async function uploaded(
  target: Target,
  folder: string,
  { begin, parts }: Extract<Upload, { type: "parts" }>,
): Promise<unknown> {
  const post = (path: string, body: string) => fetchJson(target, { method: "POST", path, body });
  const begun = await post(folder, begin);
  const id = isObject(begun) ? encodeURIComponent(String(begun.id)) : "";
  try {
    for (const part of parts) await post(`${folder}/${id}/parts`, part);
  } catch (error) {
    await fetchJson(target, { method: "DELETE", path: `${folder}/${id}` }).catch(() => undefined);
    throw error;
  }
  return await post(`${folder}/${id}/commit`, "{}");
}

/** The answer of a call that may take long: lines that show that the daemon lives, then the result. */
async function result(
  target: Target,
  path: string,
  body: unknown,
  signal?: AbortSignal,
): Promise<unknown> {
  const call: Call = {
    method: "POST",
    path,
    body: JSON.stringify(body),
    ...(signal && { signal }),
  };
  try {
    for await (const line of linesOf(await open(target, call), signal))
      if ("result" in line) return line.result;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
  signal?.throwIfAborted();
  throw lost("the stream ended without an answer");
}

/** The values of a stream; aborting ends it without an error. */
async function* follow(
  target: Target,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<unknown, void> {
  if (signal.aborted) return;
  try {
    yield* linesOf(await open(target, { method: "GET", path, signal }), signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function* linesOf(
  response: IncomingMessage,
  signal?: AbortSignal,
): AsyncGenerator<Record<string, unknown>, void> {
  const onAbort = () => void response.destroy(Error("aborted"));
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    for await (const line of readLines(chunksOf(response))) {
      if (!isObject(line)) throw failureOf(line, "a line of the stream is not an object");
      if ("error" in line) throw failureOf(line, "a line of the stream is not an error of Legion");
      if (line.type !== "heartbeat") yield line;
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    response.destroy();
  }
}
