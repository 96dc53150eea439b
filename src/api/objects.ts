import { LegionError } from "../lib/errors.ts";
import type { MetadataEdit, ObjectPlane, ObjectQuery } from "../reconcile/contract.ts";
import { keyText, type ResourceKey } from "../state/resource.ts";
import { json, type Route, type RouteRequest } from "./route.ts";
import {
  apiObject,
  closed,
  deleteRequest,
  flag,
  lineOf,
  listOf,
  metadataEdit,
  objectEvent,
  objectList,
  resultLineOf,
  revision,
  text,
  whole,
} from "./schemas.ts";
import { namespaceOfPath } from "./wire.ts";

const one = "/v1/objects/:kind/:namespace/:name";
const query = { kind: text, namespace: text, name: text, selector: text } as const;
const object = { 200: { as: "json", schema: apiObject } } as const;

/** Reading and changing the objects of the store. */
export const objectRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/objects",
    permission: "objects.read",
    summary: "List objects.",
    query,
    answers: { 200: { as: "json", schema: objectList } },
    handle: (request, { plane }) => json(plane.list(request.query as ObjectQuery)),
  },
  {
    method: "GET",
    path: one,
    permission: "objects.read",
    summary: "Read one object.",
    answers: object,
    handle: (request, { plane }) => json(existing(plane, keyOf(request))),
  },
  {
    method: "GET",
    path: `${one}/history`,
    permission: "objects.read",
    summary: "The generations of an object that are kept, newest first.",
    answers: { 200: { as: "json", schema: listOf(revision) } },
    handle: (request, { plane }) => json(plane.history(keyOf(request))),
  },
  {
    method: "GET",
    path: "/v1/watch",
    permission: "objects.read",
    summary: "Every change after a version, as lines, until the client goes.",
    query: { since: whole, ...query },
    answers: { 200: { as: "lines", schema: lineOf(objectEvent) } },
    handle: ({ query, signal }, { plane }) => {
      const { since = 0, ...rest } = query;
      return { type: "lines", lines: plane.watch(Number(since), rest as ObjectQuery, signal) };
    },
  },
  {
    method: "DELETE",
    path: one,
    permission: "objects.write",
    summary: "Delete one object, or mark it for deletion when it has to be drained first.",
    query: { dryRun: flag },
    answers: object,
    handle: async (request, { plane }) => {
      const key = keyOf(request);
      const gone = await plane.delete([key], { dryRun: request.query.dryRun === true });
      // What it owned goes with it; the object itself is what was asked for.
      return json(
        gone.find(({ kind, metadata }) => keyText({ kind, ...metadata }) === keyText(key)),
      );
    },
  },
  {
    method: "POST",
    path: "/v1/delete",
    permission: "objects.write",
    summary: "Delete several objects.",
    body: deleteRequest,
    answers: { 200: { as: "json", schema: listOf(apiObject) } },
    handle: ({ body }, { plane }) => {
      const { keys, dryRun = false } = body as { keys: ResourceKey[]; dryRun?: boolean };
      return json(plane.delete(keys, { dryRun }));
    },
  },
  {
    method: "POST",
    path: `${one}/metadata`,
    permission: "objects.write",
    summary: "Change labels and annotations; null removes one.",
    body: metadataEdit,
    answers: object,
    handle: (request, { plane }) => json(plane.edit(keyOf(request), request.body as MetadataEdit)),
  },
  {
    method: "POST",
    path: `${one}/rollback`,
    permission: "objects.write",
    summary: "Make an earlier spec the present one; without toGeneration, the one before.",
    body: closed({}, { toGeneration: whole }),
    answers: object,
    handle: (request, { plane }) => {
      const { toGeneration } = request.body as { toGeneration?: number };
      return json(plane.rollback(keyOf(request), toGeneration));
    },
  },
  {
    method: "POST",
    path: `${one}/restart`,
    permission: "objects.write",
    summary: "Restart the loop of an agent, with a new conversation, once its turn has ended.",
    body: closed({}),
    answers: { 200: { as: "lines", schema: resultLineOf(apiObject) } },
    // A turn may take long.
    handle: (request, { plane }) => ({ type: "result", result: plane.restart(keyOf(request)) }),
  },
];

function keyOf({ params }: RouteRequest): ResourceKey {
  const { kind = "", namespace = "", name = "" } = params;
  return { kind, namespace: namespaceOfPath(namespace), name };
}

async function existing(plane: ObjectPlane, key: ResourceKey): Promise<unknown> {
  const found = await plane.read(key);
  if (found !== undefined) return found;
  throw new LegionError({
    code: "LEG6030",
    message: `${keyText(key)} does not exist`,
    hint: "GET /v1/objects lists what exists",
  });
}
