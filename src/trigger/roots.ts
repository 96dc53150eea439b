import { listOf, mapOf, oneOf, record, type Type } from "./value-types.ts";

export const sources = [
  "httpPoll",
  "fileWatch",
  "kvWatch",
  "command",
  "process",
  "tcpProbe",
  "custom",
] as const;
export type Source = (typeof sources)[number];

/** The names that an expression may begin with, and what they are. */
export type Roots = Readonly<Record<string, Type>>;

/** What every source has. `prev` is the `value` of the poll before. */
const common: Roots = {
  now: "timestamp",
  poll: "number",
  ok: "bool",
  error: record({ code: "string", message: "string" }),
  latency: "duration",
  value: "dyn",
  prev: "dyn",
};

const bySource: Readonly<Record<Source, Roots>> = {
  httpPoll: {
    status: "number",
    body: "dyn",
    text: "string",
    headers: mapOf("string"),
    tls: record({ expiresIn: "duration" }),
    redirects: "number",
  },
  fileWatch: {
    event: oneOf("add", "change", "unlink", "none"),
    path: "string",
    present: "bool",
    bytes: "number",
    mtime: "timestamp",
    hash: "string",
    text: "string",
    json: "dyn",
    lines: listOf("string"),
  },
  kvWatch: {
    key: "string",
    value: "dyn",
    type: "string",
    ttl: "duration",
    length: "number",
    event: "string",
  },
  command: {
    exit: "number",
    stdout: "string",
    stderr: "string",
    json: "dyn",
    duration: "duration",
    timedOut: "bool",
    signal: "string",
  },
  process: {
    running: "bool",
    count: "number",
    pid: "number",
    cpu: "number",
    rss: "number",
    uptime: "duration",
  },
  tcpProbe: { open: "bool", banner: "string" },
  custom: {},
};

/** The roots of a source; those of a custom one are the fields of the output schema of its tool. */
export function rootsOf(source: Source, schema?: unknown): Roots {
  if (source !== "custom") return { ...common, ...bySource[source] };
  const value = typeOfSchema(schema);
  const fields = typeof value === "object" && value.kind === "map" ? (value.fields ?? {}) : {};
  // A field by the name of a root that every watcher has is read as value.NAME.
  return { ...fields, ...common, value, prev: value };
}

/** How deep a schema is read; what lies below is of unknown shape. */
const SCHEMA_DEPTH_MAX = 16;

/** The type that a JSON Schema describes, as far as the language has a name for it. */
export function typeOfSchema(schema: unknown, depth = 0): Type {
  if (typeof schema !== "object" || schema === null || depth > SCHEMA_DEPTH_MAX) return "dyn";
  const {
    type,
    enum: values,
    items,
    properties,
    additionalProperties,
  } = schema as Record<string, unknown>;
  if (Array.isArray(values) && values.every((each) => typeof each === "string"))
    return oneOf(...values);
  switch (type) {
    case "integer":
    case "number":
      return "number";
    case "string":
      return "string";
    case "boolean":
      return "bool";
    case "array":
      return listOf(typeOfSchema(items, depth + 1));
    case "object": {
      // Properties that nobody declared are allowed by JSON Schema, but a name that is not there is mostly a wrong one.
      const isOpen = typeof additionalProperties === "object" || additionalProperties === true;
      if (typeof properties !== "object" || properties === null || isOpen)
        return mapOf(
          properties === undefined ? typeOfSchema(additionalProperties, depth + 1) : "dyn",
        );
      const named = Object.entries(properties).map(([name, each]) => [
        name,
        typeOfSchema(each, depth + 1),
      ]);
      return record(Object.fromEntries(named));
    }
    default:
      return "dyn";
  }
}
