import { isObject, type JsonSchema } from "../lib/json.ts";
import type { Route } from "./route.ts";
import { failure, namedSchemas } from "./schemas.ts";

const mediaTypes = { json: "application/json", lines: "application/x-ndjson" } as const;

/** The OpenAPI 3.1 document of the routes; schemas with a name of their own stand in it once. */
export function openApiOf(routes: readonly Route[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:([a-z]+)/gi, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  const schemas = Object.entries(namedSchemas).map(([name, schema]) => [
    name,
    insideOf(schema as JsonSchema),
  ]);
  return {
    openapi: "3.1.0",
    info: { title: "Legion", version, description: "The API of a Legion daemon." },
    paths,
    components: {
      schemas: Object.fromEntries(schemas),
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
    },
  };
}

function operationOf(route: Route): Record<string, unknown> {
  const inPath = [...route.path.matchAll(/:([a-z]+)/gi)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const inQuery = Object.entries(route.query ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    schema: referring(schema),
  }));
  const answers = Object.entries(route.answers).map(([status, { as, schema }]) => [
    status,
    content(as === "lines" ? "one JSON value a line" : "the answer", mediaTypes[as], schema),
  ]);
  return {
    operationId: operationId(route),
    summary: route.summary,
    "x-permission": route.permission,
    security: route.permission === "public" ? [] : [{}, { token: [] }],
    parameters: [...inPath, ...inQuery],
    ...(route.body && {
      requestBody: {
        required: true,
        content: { "application/json": { schema: referring(route.body) } },
      },
    }),
    responses: {
      ...Object.fromEntries(answers),
      default: content("what went wrong", mediaTypes.json, failure),
    },
  };
}

function content(description: string, type: string, schema: JsonSchema): Record<string, unknown> {
  return { description, content: { [type]: { schema: referring(schema) } } };
}

/** `postAppliesIdParts`. */
function operationId({ method, path }: Route): string {
  const words = path.replace(/^\/v1/, "").split(/[^a-z]+/i);
  const name = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("");
  return method.toLowerCase() + name;
}

const names = new Map<unknown, string>(
  Object.entries(namedSchemas).map(([name, schema]) => [schema, name]),
);

/** The schema with references in place of those that have a name. */
function referring(schema: unknown): unknown {
  const name = names.get(schema);
  return name === undefined ? insideOf(schema) : { $ref: `#/components/schemas/${name}` };
}

function insideOf(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(referring);
  if (!isObject(schema)) return schema;
  const fields = Object.entries(schema).map(([key, value]) => [key, referring(value)]);
  return Object.fromEntries(fields);
}
