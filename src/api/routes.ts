import { agentRoutes } from "./agents.ts";
import { applyRoutes } from "./apply.ts";
import { objectRoutes } from "./objects.ts";
import { openApiOf } from "./openapi.ts";
import { json, type Route } from "./route.ts";
import { runRoutes } from "./runs.ts";
import { runtimeRoutes } from "./runtime.ts";
import { opened, text } from "./schemas.ts";
import { watchRoutes } from "./watching.ts";

/** The ONE table of routes. */
export const routes: readonly Route[] = [
  ...objectRoutes,
  ...applyRoutes,
  ...runtimeRoutes,
  ...agentRoutes,
  ...runRoutes,
  ...watchRoutes,
  {
    method: "GET",
    path: "/v1/openapi.json",
    permission: "daemon.read",
    summary: "This document.",
    answers: { 200: { as: "json", schema: opened({ openapi: text }) } },
    handle: (_, { version }) => json(openApiOf(routes, version)),
  },
];

/** Matches paths of a route: `/v1/objects/:kind` -> `/v1/objects/Agent`. */
function pathPattern(path: string): RegExp {
  return new RegExp(`^${path.replace(/[.]/g, "\\.").replace(/:[a-z]+/gi, "[^/]+")}$`);
}

const patterns = routes.map(({ method, path }) => ({ method, pattern: pathPattern(path) }));

/** The methods that a path knows; none for a path that no route has. */
export function methodsOf(path: string): readonly string[] {
  return patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
}
