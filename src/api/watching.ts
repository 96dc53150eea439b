import type { ResourceKey } from "../state/resource.ts";
import type { Silence } from "../state/watching.ts";
import { json, type Route, type RouteRequest } from "./route.ts";
import { apiObject, closed, flag, listOf, opened, whole } from "./schemas.ts";
import { explainedLine, silence, silenceRequest, tick } from "./watch-schemas.ts";

const WATCHER = "/v1/watchers/:namespace/:name";
const CRON = "/v1/crons/:namespace/:name";
const removed = { 200: { as: "json", schema: opened({ removed: flag }) } } as const;

/** What can be done with watchers and crons that run. */
export const watchRoutes: readonly Route[] = [
  {
    method: "GET",
    path: `${WATCHER}/trigger`,
    permission: "watchers.read",
    summary: "The typed tree of the trigger of a watcher, with the values at its last look.",
    answers: { 200: { as: "json", schema: listOf(explainedLine) } },
    handle: (request, { plane }) => json(plane.explainTrigger(keyOf(request, "Watcher"))),
  },
  {
    method: "GET",
    path: "/v1/silences",
    permission: "watchers.read",
    summary: "The silences that go on, oldest first.",
    answers: { 200: { as: "json", schema: listOf(silence) } },
    handle: (_, { plane }) => json(plane.silences()),
  },
  {
    method: "POST",
    path: "/v1/silences",
    permission: "watchers.control",
    summary:
      "Hold back what a watcher tells until a moment; takes the place of a silence that it has.",
    body: silenceRequest,
    answers: { 201: { as: "json", schema: silence } },
    handle: ({ body }, { plane }) =>
      json(plane.silence(body as Pick<Silence, "watcher" | "until" | "reason" | "by">), 201),
  },
  {
    method: "DELETE",
    path: "/v1/silences/:id",
    permission: "watchers.control",
    summary: "End a silence.",
    answers: removed,
    handle: ({ params: { id = "" } }, { plane }) => json(plane.unsilence({ id })),
  },
  {
    method: "DELETE",
    path: `${WATCHER}/silence`,
    permission: "watchers.control",
    summary: "End the silence of a watcher.",
    answers: removed,
    handle: (request, { plane }) => json(plane.unsilence({ watcher: keyOf(request, "Watcher") })),
  },
  {
    method: "GET",
    path: `${CRON}/ticks`,
    permission: "crons.read",
    summary: "What came of the moments of a cron, newest first.",
    query: { limit: { ...whole, maximum: 1_000 } },
    answers: { 200: { as: "json", schema: listOf(tick) } },
    handle: (request, { plane }) => {
      const { limit } = request.query as { limit?: number };
      return json(plane.cronTicks(keyOf(request, "Cron"), limit));
    },
  },
  {
    method: "POST",
    path: `${CRON}/trigger`,
    permission: "crons.control",
    summary: "Run a cron now, whatever its schedule says, under its overlap policy.",
    body: closed({}),
    answers: { 200: { as: "json", schema: tick } },
    handle: (request, { plane }) => json(plane.triggerCron(keyOf(request, "Cron"))),
  },
  {
    method: "POST",
    path: `${CRON}/resume`,
    permission: "crons.control",
    summary: "End the pause of a cron after a run that failed.",
    body: closed({}),
    answers: { 200: { as: "json", schema: apiObject } },
    handle: (request, { plane }) => json(plane.resumeCron(keyOf(request, "Cron"))),
  },
];

function keyOf({ params: { namespace = "", name = "" } }: RouteRequest, kind: string): ResourceKey {
  return { kind, namespace, name };
}
