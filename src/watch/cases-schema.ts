import type { JsonSchema } from "../lib/json.ts";
import { gates } from "../trigger/gates.ts";
import { fireKinds } from "../trigger/machine-state.ts";

const moment = {
  type: "string",
  description: "a time after the start such as 90s, or a moment with its zone",
  examples: ["90s", "2026-01-01T09:00:00Z"],
} as const;

const duration = {
  type: "string",
  description: "a length of time such as 30s",
  pattern: "^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+$",
  examples: ["30s", "5m"],
} as const;

const expectation = {
  type: "object",
  additionalProperties: false,
  required: ["at"],
  properties: {
    at: moment,
    fire: { enum: [...fireKinds, true, false] },
    wake: { type: ["string", "boolean"] },
    actions: { type: "array", items: { type: "string" } },
    recovered: { type: "boolean" },
    state: { enum: ["idle", "pending", "firing", "no_data", "error"] },
    value: { enum: [true, false, "missing", "error"] },
    suppressed: { enum: [...gates] },
    error: { type: "string", minLength: 1 },
  },
} as const;

const watchCase = {
  type: "object",
  additionalProperties: false,
  required: ["name", "samples"],
  properties: {
    name: { type: "string", minLength: 1, maxLength: 200 },
    every: duration,
    start: { type: "string", description: "a moment such as 2026-01-01T09:00:00Z" },
    samples: {
      type: "array",
      minItems: 1,
      maxItems: 10_000,
      items: {
        type: "object",
        properties: {
          at: moment,
          repeat: { type: "integer", minimum: 1, maximum: 10_000 },
          firing: { type: "array", items: { type: "string" } },
        },
      },
    },
    expect: { type: "array", maxItems: 10_000, items: expectation },
  },
} as const;

/** What a file of cases may say. */
export const casesSchema: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["cases"],
  properties: { cases: { type: "array", minItems: 1, maxItems: 1000, items: watchCase } },
};
