import type { JsonSchema } from "../../lib/json.ts";
import type { FunctionSpec } from "../../tools/contract.ts";
import type { Verb } from "./verbs.ts";

const TASK_CHARS_MAX = 1_000_000;
const TASKS_MAX = 10_000;

const task = { type: "string", maxLength: TASK_CHARS_MAX, description: "what it is to do" };
const id = { type: "string", minLength: 1, maxLength: 500, description: "the id that start gave" };
const group = { type: "string", minLength: 1, maxLength: 500, description: "the id of a group" };
const timeout = {
  type: "string",
  pattern: "^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+$",
  maxLength: 32,
  description: "the most time for all of them, such as 30s or 5m",
};

function object(properties: JsonSchema, required: readonly string[]): JsonSchema {
  return { type: "object", additionalProperties: false, required, properties };
}

/** Each of them may be made again: the same call finds the run that it began. Their time is that of the agents. */
const shared = { idempotent: true, waits: true } as const;

/** The functions of the tool `agents`, for the agents of a manifest. */
export function teamFunctions(names: readonly string[]): Readonly<Record<Verb, FunctionSpec>> {
  const agent = { type: "string", enum: [...names], description: "which agent" };
  const example = names[0] ?? "researcher";
  return {
    call: {
      ...shared,
      description:
        'Gives an agent one task and returns its answer; {status: "cancel", reason, error} when it did not come to one.',
      parameters: object({ agent, task, group }, ["agent", "task"]),
      example: { agent: example, task: "List the open questions." },
    },
    ...startedFunctions(agent, example),
    parallel: {
      ...shared,
      description:
        "Gives several tasks at once. Returns the answers in order, or the first cancel of the list; the others are stopped then.",
      parameters: object(
        {
          tasks: {
            type: "array",
            maxItems: TASKS_MAX,
            items: object({ agent, task }, ["agent", "task"]),
          },
          concurrency: { type: "integer", minimum: 1, maximum: 256, description: "most at once" },
          timeout,
        },
        ["tasks"],
      ),
      example: { tasks: [{ agent: example, task: "List the open questions." }] },
    },
    group: {
      ...shared,
      description: "Opens a group of calls that end together; returns its id.",
      parameters: object({ timeout, group }, []),
      example: { timeout: "1m" },
    },
    wait: {
      ...shared,
      description: "Waits until a group is ended.",
      parameters: object({ id }, ["id"]),
      example: { id: "group/1.1/60000" },
    },
  };
}

/** For agents that remember what they were told. */
function startedFunctions(
  agent: JsonSchema,
  example: string,
): Readonly<Record<"start" | "tell" | "cast" | "messages" | "stop", FunctionSpec>> {
  return {
    start: {
      ...shared,
      description:
        "Starts an agent that remembers what it is told until your turn ends; with a task its answer is `result`.",
      parameters: object({ agent, task }, ["agent"]),
      example: { agent: example },
    },
    tell: {
      ...shared,
      description: "Tells a started agent something and returns its answer, or its cancel.",
      parameters: object({ id, task }, ["id", "task"]),
      example: { id: `${example}/1.1`, task: "Go on with the second part." },
    },
    cast: {
      ...shared,
      description: "Tells a started agent something and waits for nothing.",
      parameters: object({ id, task }, ["id", "task"]),
      example: { id: `${example}/1.1`, task: "Look into the third part meanwhile." },
    },
    messages: {
      ...shared,
      description: "Returns the newest messages of a started agent: {type, at, text}.",
      parameters: object({ id }, ["id"]),
      example: { id: `${example}/1.1` },
    },
    stop: {
      ...shared,
      description: "Ends a started agent, or a group.",
      parameters: object({ id }, ["id"]),
      example: { id: `${example}/1.1` },
    },
  };
}

/** What only code can use: to call functions of the model in a group. */
export const codeOnly: readonly Verb[] = ["group", "wait"];
