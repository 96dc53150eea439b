import { formatDuration } from "../../lib/quantities.ts";
import type { Refusal } from "../contract.ts";

/** What was spent so far. */
export interface Spent {
  readonly tokens: number;
  readonly requests: number;
  readonly toolCalls: number;
}

/** Limits of spec.budget.run and spec.budget.team. */
export interface SpendLimits {
  readonly tokens?: number;
  readonly requests?: number;
  readonly toolCalls?: number;
}

/** One amount against its limit. */
export interface Level {
  /** The field that holds the limit, as it is written in the manifest. */
  readonly field: string;
  /** Whose manifest. */
  readonly agent: string;
  readonly limit: number;
  readonly spent: number;
  /** What is counted, in words. */
  readonly of: string;
}

export const nothingSpent: Spent = { tokens: 0, requests: 0, toolCalls: 0 };

export function addSpent(a: Spent, b: { readonly [K in keyof Spent]?: number | undefined }): Spent {
  return {
    tokens: a.tokens + (b.tokens ?? 0),
    requests: a.requests + (b.requests ?? 0),
    toolCalls: a.toolCalls + (b.toolCalls ?? 0),
  };
}

/** Which amounts stop a request or a call. Tokens stop both: what a call costs is read by the next request. */
const stopping = {
  request: ["tokens", "requests"],
  call: ["tokens", "toolCalls"],
} as const satisfies Record<"request" | "call", readonly (keyof Spent)[]>;

const words: Readonly<Record<keyof Spent, string>> = {
  tokens: "tokens",
  requests: "requests to models",
  toolCalls: "tool calls",
};

/** The amounts that decide about a request or a call, with those limits. */
export function levelsOf(
  what: "request" | "call",
  scope: { readonly field: string; readonly agent: string; readonly in: string },
  limits: SpendLimits,
  spent: Spent,
): readonly Level[] {
  return stopping[what].flatMap((amount) => {
    const limit = limits[amount];
    if (limit === undefined) return [];
    const field = `${scope.field}.${amount}`;
    const of = `${words[amount]} ${scope.in}`;
    return [{ field, agent: scope.agent, limit, spent: spent[amount], of }];
  });
}

/** The refusal for the first amount that has reached its limit. */
export function refusalOf(levels: readonly Level[]): Refusal | undefined {
  const reached = levels.find(({ spent, limit }) => spent >= limit);
  return reached && overBudget(reached);
}

function overBudget({ field, agent, limit, spent, of }: Level): Refusal {
  return {
    reason: "budget_exceeded",
    error: {
      code: "LEG2096",
      message: `the budget of agent "${agent}" is spent: ${spent} of ${limit} ${of}`,
      hint: `raise ${field} of agent "${agent}", or give it less to do`,
    },
  };
}

/** The refusal of a turn above spec.rateLimit. */
export function rateLimited(agent: string, turns: number, perMs: number, waitMs: number): Refusal {
  return {
    reason: "rate_limited",
    error: {
      code: "LEG2097",
      message: `agent "${agent}" has begun ${turns} turns within ${formatDuration(perMs)}, the most that it may`,
      hint: `send it again in ${formatDuration(waitMs)}, or raise spec.rateLimit.turns of agent "${agent}"`,
    },
  };
}
