import type { Json, JsonObject } from "../../lib/json.ts";
import type { ToolSpec } from "../../manifest/generated/tool.ts";
import type { ToolContext } from "../contract.ts";
import type { Builtin } from "../types/builtin.ts";
import { closedPlaces } from "./files/closed.ts";
import { glob } from "./files/glob.ts";
import { type Granted, grant, requireNarrower } from "./files/granted.ts";
import { LIST_DEFAULT, LIST_MAX, list } from "./files/list.ts";
import { READ_BYTES_MAX, read } from "./files/read.ts";

const path = { type: "string", maxLength: 4096, description: "relative to the working folder" };
const limit = {
  type: "integer",
  minimum: 1,
  maximum: LIST_MAX,
  description: `at most this many; default ${LIST_DEFAULT}`,
};
const more = { type: "boolean" };

/**
 * Builtin files: reads files below granted folders, and nothing else. Config: `roots`, the folders, relative to the working folder or
 * absolute; default the working folder itself. Roots in an agent's config take the place of the Tool's, and have to lie inside them when
 * the Tool has some: a Tool with roots is a grant that agents can narrow; one without leaves the roots to the agents.
 */
export const filesBuiltin: Builtin = {
  description: "Reads files; it cannot write.",
  config: {
    type: "object",
    additionalProperties: false,
    properties: {
      roots: {
        type: "array",
        minItems: 1,
        maxItems: 50,
        items: { type: "string", minLength: 1, maxLength: 4096 },
        description: "folders that may be read",
      },
    },
  },
  functions: {
    read: {
      description: "Returns the text of a file, at most 1 MiB at once.",
      idempotent: true,
      parameters: {
        type: "object",
        additionalProperties: false,
        required: ["path"],
        properties: {
          path: { ...path, minLength: 1 },
          offset: {
            type: "integer",
            minimum: 0,
            maximum: Number.MAX_SAFE_INTEGER,
            description: "first byte",
          },
          limit: {
            type: "integer",
            minimum: 1,
            maximum: READ_BYTES_MAX,
            description: "at most this many bytes",
          },
          encoding: { enum: ["utf8", "base64"], description: "base64 for files that are not text" },
        },
      },
      returns: { type: "string" },
      example: { path: "README.md" },
    },
    list: {
      description: "Returns what a folder holds.",
      idempotent: true,
      parameters: { type: "object", additionalProperties: false, properties: { path, limit } },
      returns: {
        type: "object",
        required: ["entries", "more"],
        properties: {
          entries: {
            type: "array",
            items: {
              type: "object",
              required: ["path", "type"],
              properties: {
                path: { type: "string" },
                type: { enum: ["file", "folder", "link", "other"] },
                bytes: { type: "integer" },
              },
            },
          },
          more,
        },
      },
      example: { path: "src" },
    },
    glob: {
      description:
        "Returns the files that match, such as src/**/*.ts; node_modules and .git only when the pattern names them.",
      idempotent: true,
      parameters: {
        type: "object",
        additionalProperties: false,
        required: ["pattern"],
        properties: {
          pattern: {
            type: "string",
            minLength: 1,
            maxLength: 1000,
            description: "relative to path",
          },
          path,
          limit,
        },
      },
      returns: {
        type: "object",
        required: ["paths", "more"],
        properties: { paths: { type: "array", items: { type: "string" } }, more },
      },
      example: { pattern: "src/**/*.ts" },
    },
  },
  async create({ object, config, deps }) {
    const roots = rootsOf(config) ?? ["."];
    const granted = await grant(roots, deps);
    const toolRoots = rootsOf(object.spec.config);
    if (toolRoots !== undefined) requireNarrower(granted, await grant(toolRoots, deps));
    return async (name: string, args: JsonObject, { signal }: ToolContext) => {
      const closed = await closedPlaces(deps, granted.fileSystem);
      return operations[name as keyof typeof operations]({ ...granted, closed }, args, signal);
    };
  },
};

function rootsOf(config: ToolSpec["config"]): string[] | undefined {
  return Array.isArray(config?.roots) ? config.roots.map(String) : undefined;
}

/** The functions; validation has checked the arguments. */
const operations: Readonly<
  Record<
    "read" | "list" | "glob",
    (granted: Granted, args: JsonObject, signal: AbortSignal) => Promise<Json>
  >
> = { read, list, glob };
