import { dirname } from "node:path";
import { LegionError } from "../../lib/errors.ts";
import { isObject, type Json, type JsonObject } from "../../lib/json.ts";
import { durationMs } from "../../lib/quantities.ts";
import type { PeopleRequest, ToolContext } from "../contract.ts";
import type { ToolParts } from "../registry.ts";
import type { Builtin } from "../types/builtin.ts";

const TIMEOUT_DEFAULT = "24h";

const timeout = {
  type: "string",
  pattern: "^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+$",
  maxLength: 32,
  examples: ["2h"],
};

const command = {
  type: "array",
  minItems: 1,
  maxItems: 100,
  items: { type: "string", maxLength: 4_096 },
  description: "program and arguments, run in the manifest's folder",
};

const http = {
  type: "object",
  additionalProperties: false,
  required: ["url"],
  description: "address that the question is posted to",
  properties: {
    url: { type: "string", pattern: "^https?://", maxLength: 2_048 },
    headers: {
      type: "object",
      maxProperties: 50,
      additionalProperties: { type: "string", maxLength: 8_192 },
    },
  },
};

/**
 * Builtin human: questions to people. Config: `timeout`, for how long a question is open at most, and `handler`, a program
 * or an address that may answer before people do; only the Tool itself names one.
 */
export const humanBuiltin: Builtin = {
  description: "Asks people, and waits for the answer.",
  config: {
    type: "object",
    additionalProperties: false,
    properties: {
      timeout: {
        ...timeout,
        description: `the most time that a question is open; default ${TIMEOUT_DEFAULT}`,
      },
      handler: {
        type: "object",
        additionalProperties: false,
        description: "what may answer before people do",
        oneOf: [{ required: ["command"] }, { required: ["http"] }],
        properties: {
          command,
          http,
          timeout: { ...timeout, description: "the most time that it may take; default 1m" },
        },
      },
    },
  },
  functions: {
    ask: {
      description:
        "Asks a person and waits; returns the answer: a text, one of choices, or what schema says.",
      parameters: {
        type: "object",
        additionalProperties: false,
        required: ["question"],
        properties: {
          question: { type: "string", minLength: 1, maxLength: 10_000 },
          choices: {
            type: "array",
            minItems: 1,
            maxItems: 50,
            uniqueItems: true,
            items: { type: "string", minLength: 1, maxLength: 500 },
            description: "answers to choose from",
          },
          schema: { type: "object", description: "JSON Schema of the answer" },
          timeout: { ...timeout, description: "give up after this time, such as 2h" },
        },
      },
      example: {
        question: "Which of the two invoices is right?",
        choices: ["the first", "the second"],
      },
      idempotent: true,
      waits: true,
    },
  },
  async create(parts) {
    const { object, config, deps } = parts;
    requireOwnHandler(parts);
    requireUsableAddress(parts);
    const handling = handlerConfig(parts);
    const longestMs = durationMs(String(config.timeout ?? TIMEOUT_DEFAULT));
    return async (_name: string, args: JsonObject, context: ToolContext): Promise<Json> => {
      if (context.isCompleting === true) throw answerLost();
      if (deps.askPeople === undefined) throw nobodyHere(object.name);
      return deps.askPeople(requestOf(args, context, handling, longestMs));
    };
  },
};

/** The question of a call; validation has checked the arguments. */
function requestOf(
  args: JsonObject,
  { agent, run, idempotencyKey, signal }: ToolContext,
  config: JsonObject,
  longestMs: number,
): PeopleRequest {
  const wantedMs = typeof args.timeout === "string" ? durationMs(args.timeout) : longestMs;
  return {
    question: String(args.question),
    ...(Array.isArray(args.choices) && { choices: args.choices.map(String) }),
    ...(isObject(args.schema) && { schema: args.schema as JsonObject }),
    timeoutMs: Math.max(1, Math.min(wantedMs, longestMs)),
    agent,
    run,
    key: idempotencyKey,
    config,
    signal,
  };
}

/** What whoever asks people is told of the handler: a program also needs the folder that it is run in. */
function handlerConfig({ object, config }: ToolParts): JsonObject {
  if (!isObject(config.handler)) return {};
  const handler = config.handler as JsonObject;
  return {
    handler: handler.command ? { ...handler, folder: dirname(object.source.file) } : handler,
  };
}

/** Throws LEG4019 when the agent names a handler: which programs run is up to the Tool. */
function requireOwnHandler({ object, config }: ToolParts): void {
  const own = isObject(object.spec.config) ? object.spec.config.handler : undefined;
  if (JSON.stringify(own) === JSON.stringify(config.handler)) return;
  throw new LegionError({
    code: "LEG4019",
    message: `the agent's config.handler is not that of the tool "${object.name}"`,
    hint: "leave it out in the agent, or list a Tool of its own with the other handler",
  });
}

/** Throws LEG4012 for an address that nothing can be posted to. */
function requireUsableAddress({ object, config }: ToolParts): void {
  const handler = isObject(config.handler) ? config.handler : {};
  if (!isObject(handler.http)) return;
  const { url, headers } = handler.http;
  const field = `config.handler.http of the tool "${object.name}"`;
  const address = URL.parse(String(url));
  if (address === null || address.username !== "" || address.password !== "") {
    throw new LegionError({
      code: "LEG4012",
      message: `${field} has ${address === null ? "no valid url" : "a url with a user or password"}`,
      hint: "write a url such as https://example.com/questions; what authorises goes into headers",
    });
  }
  try {
    new Headers(headers as Record<string, string> | undefined);
  } catch (cause) {
    const hint = "write each name in letters and dashes, and each value in one line";
    const message = `${field} has headers that cannot be sent`;
    throw new LegionError({ code: "LEG4012", message, hint }, cause);
  }
}

function answerLost(): LegionError {
  return new LegionError({
    code: "LEG2060",
    message: "the answer of a person would be lost: this code ends the turn",
    hint: "ask under eval_and_continue, and finish in a later step",
  });
}

function nobodyHere(tool: string): LegionError {
  return new LegionError({
    code: "LEG2068",
    message: `the tool "${tool}" can ask nobody here: no people can be reached from this run`,
    hint: "decide without the answer, or run the agent under legion up",
  });
}
