import { LegionError } from "../../lib/errors.ts";
import type { Json, JsonObject } from "../../lib/json.ts";
import { durationMs } from "../../lib/quantities.ts";
import type { KeyValueSpace } from "../../state/key-value.ts";
import type { Builtin } from "../types/builtin.ts";

const LIST_DEFAULT = 100;
const LIST_MAX = 1_000;

const key = { type: "string", minLength: 1, maxLength: 512, description: "key, such as user/42" };

/**
 * Builtin kv: values that outlive the run. Each agent has keys of its own; config: `namespace`, a name whose keys all agents of the same
 * manifest namespace with it share. A Tool with a namespace grants that one: an agent's own has to be the same, or below it (`team/notes` for
 * `team`), which holds other keys. A Tool without one leaves the namespace to the agents.
 */
export const kvBuiltin: Builtin = {
  description: "Keeps values between runs.",
  config: {
    type: "object",
    additionalProperties: false,
    properties: {
      namespace: { type: "string", minLength: 1, maxLength: 100, pattern: "^[A-Za-z0-9._/-]+$" },
    },
  },
  functions: {
    get: {
      description: "Returns the value, or null when there is none.",
      idempotent: true,
      parameters: {
        type: "object",
        additionalProperties: false,
        required: ["key"],
        properties: { key },
      },
      example: { key: "user/42" },
    },
    set: {
      description: "Keeps a value in place of an earlier one.",
      idempotent: true,
      parameters: {
        type: "object",
        additionalProperties: false,
        required: ["key", "value"],
        properties: {
          key,
          value: { description: "any JSON, at most 512 KiB" },
          ttl: {
            type: "string",
            pattern: "^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+$",
            maxLength: 32,
            description: "forget it after this time, such as 10m or 7d",
            examples: ["10m"],
          },
        },
      },
      example: { key: "user/42", value: { visits: 1 }, ttl: "7d" },
    },
    delete: {
      description: "Deletes a key; returns whether there was one.",
      idempotent: true,
      parameters: {
        type: "object",
        additionalProperties: false,
        required: ["key"],
        properties: { key },
      },
      returns: { type: "boolean" },
      example: { key: "user/42" },
    },
    list: {
      description: "Returns keys in order; more tells that the limit left some out.",
      idempotent: true,
      parameters: {
        type: "object",
        additionalProperties: false,
        properties: {
          prefix: { type: "string", maxLength: 512, description: "only keys that start with it" },
          limit: {
            type: "integer",
            minimum: 1,
            maximum: LIST_MAX,
            default: LIST_DEFAULT,
            description: `at most this many; default ${LIST_DEFAULT}`,
          },
        },
      },
      returns: {
        type: "object",
        required: ["keys", "more"],
        properties: {
          keys: { type: "array", items: { type: "string" } },
          more: { type: "boolean" },
        },
      },
      example: { prefix: "user/", limit: 10 },
    },
  },
  async create({ object, config, agent, deps }) {
    requireBelow(object.spec.config?.namespace, config.namespace);
    const namespace =
      typeof config.namespace === "string"
        ? sharedSpace(agent.namespace, config.namespace)
        : agentSpace(agent.namespace, agent.name);
    return async (name: string, args: JsonObject) =>
      operations[name as keyof typeof operations]((await deps.keyValue()).space(namespace), args);
  },
};

/** The name of the keys that agents of a manifest namespace share under a name. */
export function sharedSpace(namespace: string, name: string): string {
  return `shared/${namespace}/${name}`;
}

/** The name of the keys that an agent has to itself. */
export function agentSpace(namespace: string, agent: string): string {
  return `agent/${namespace}/${agent}`;
}

/** Throws LEG4019 when an agent asks for the keys of a namespace that its tool does not grant. */
function requireBelow(granted: unknown, asked: unknown): void {
  if (typeof granted !== "string" || typeof asked !== "string") return;
  if (asked === granted || asked.startsWith(`${granted}/`)) return;
  throw new LegionError({
    code: "LEG4019",
    message: `the agent's config.namespace "${asked}" is not that of the tool, "${granted}", nor below it`,
    hint: `leave it out, write "${granted}/<name>", or list a Tool of its own for the other namespace`,
  });
}

/** The functions; validation has checked the arguments. */
const operations = {
  get: async (space: KeyValueSpace, args: JsonObject): Promise<Json> =>
    (await space.get(String(args.key))) ?? null,
  set: async (space: KeyValueSpace, args: JsonObject): Promise<undefined> => {
    const ttlMs = typeof args.ttl === "string" ? Math.max(1, durationMs(args.ttl)) : undefined;
    await space.set(String(args.key), args.value ?? null, ttlMs);
  },
  delete: async (space: KeyValueSpace, args: JsonObject): Promise<Json> =>
    space.delete(String(args.key)),
  list: async (space: KeyValueSpace, args: JsonObject): Promise<Json> => {
    const { keys, more } = await space.list({
      prefix: String(args.prefix ?? ""),
      limit: Number(args.limit ?? LIST_DEFAULT),
    });
    return { keys: [...keys], more };
  },
};
