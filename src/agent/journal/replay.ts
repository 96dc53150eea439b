import type { Clock } from "../../lib/clock.ts";
import { headBytes } from "../../lib/text.ts";
import type { ManifestObject } from "../../manifest/objects.ts";
import type { Router } from "../../router/contract.ts";
import type {
  Evaluation,
  EvaluationErrorName,
  GuestSurface,
  Host,
  Sandbox,
  SandboxPool,
} from "../../sandbox/contract.ts";
import type { JournalStep } from "../../state/journal.ts";
import type { Tool, Toolbox } from "../../tools/contract.ts";
import type { CancelReason, TurnResult } from "../contract.ts";
import { runTurn } from "../loop.ts";
import { evaluationPast, type PastEvaluation } from "./past.ts";

/** How a run that was done again from its record differs from it. */
export interface Replay {
  readonly run: string;
  /** Steps that were compared. */
  readonly steps: number;
  readonly isSame: boolean;
  /** The first ones. */
  readonly differences: readonly ReplayDifference[];
}

export interface ReplayDifference {
  readonly seq: number;
  readonly type: string;
  readonly message: string;
  readonly recorded?: string;
  readonly replayed?: string;
}

export interface ReplayOptions {
  readonly run: string;
  readonly steps: readonly JournalStep[];
  readonly agent: Pick<ManifestObject<"Agent">, "name" | "spec">;
  /** What the code of the run could call. */
  readonly surface: GuestSurface;
  readonly pool: () => Promise<SandboxPool>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Differences that are told. */
const DIFFERENCES_MAX = 20;
/** What is shown of a value, bytes. */
const SHOWN_BYTES_MAX = 500;

/**
 * Does a whole run again from its record, with nothing outside: answers of models and replies of calls are those on record, the
 * code really runs. Nothing is written, no tool is called, no model is asked.
 */
export async function replayRun(options: ReplayOptions): Promise<Replay> {
  const { run, steps, agent, surface, pool, clock, signal } = options;
  const differences: ReplayDifference[] = [];
  let compared = 0;
  const task = String(steps[0]?.data.task ?? "");
  // Ends a replay whose record has no end.
  const over = new Error("the record ends here");
  const replayed = await runTurn({
    ...{ agent, task, run, pool, clock, signal },
    router: silentRouter,
    toolbox: recordedToolbox(surface),
    emit: () => "",
    journal: { past: steps, append: () => Promise.reject(over) },
    async onServed(past, open) {
      compared += 1;
      const sandbox = await open();
      differences.push(...(await evaluateAgain(past, sandbox, signal)));
    },
  }).catch((error: unknown) => {
    if (error === over) return undefined;
    throw error;
  });
  compared += steps.filter(({ type }) => type === "model.response").length;
  const finished = steps.findLast(({ type }) => type === "turn.finished");
  const recorded = finished?.data.result as unknown as TurnResult | undefined;
  if (replayed !== undefined && recorded !== undefined) {
    compared += 1;
    differences.push(...endDifferences(finished?.seq ?? 0, recorded, replayed));
  }
  const isSame = differences.length === 0;
  return { run, steps: compared, isSame, differences: differences.slice(0, DIFFERENCES_MAX) };
}

const silentRouter: Router = {
  complete: () =>
    Promise.resolve({
      ok: false,
      error: {
        outcome: "aborted",
        code: "LEG2107",
        message: "no model is asked in a replay",
        hint: "the record ends where the model was to be asked",
      },
      attempts: [],
    }),
};

/** Tools that have names and nothing behind them. */
function recordedToolbox({ tools, prelude }: GuestSurface): Toolbox {
  const limits = { timeoutMs: 1_000, maxArgumentBytes: 1_000, maxResultBytes: 1_000 };
  const call: Tool["call"] = () => Promise.reject(new Error("no tool is called in a replay"));
  const bindings = Object.entries(tools).map(([as, functions], index) => ({
    ...{ as, functions, config: {} },
    tool: {
      ...{ name: as, description: "", limits, call },
      functions: Object.fromEntries(
        functions.map((name) => [name, { description: "", parameters: { type: "object" } }]),
      ),
    },
    ...(index === 0 && prelude !== undefined && { prelude }),
  }));
  return {
    tools: bindings,
    call: async (name) => ({
      ok: false,
      error: {
        code: "LEG2107",
        message: `${name} is not on record, and no tool is called in a replay`,
        hint: "look at the differences",
      },
    }),
    close: async () => {},
  };
}

/** Where these end depends on the machine, not on the code. */
const notComparable: ReadonlySet<EvaluationErrorName> = new Set([
  "Timeout",
  "OutOfMemory",
  "StackOverflow",
  "SandboxKilled",
  "Aborted",
]);

async function evaluateAgain(
  past: PastEvaluation,
  sandbox: Sandbox,
  signal: AbortSignal,
): Promise<ReplayDifference[]> {
  const { result, seed, code } = past;
  if (result === undefined) return [];
  const { evaluation, seq } = result;
  if (!evaluation.ok && notComparable.has(evaluation.error.name)) return [];
  const more: string[] = [];
  // What had no answer when the code ended has none now.
  const host: Host = (name, _argument, { wasBegun }) => {
    if (wasBegun) return new Promise(() => {});
    more.push(name);
    const error = { name: "ToolError", message: `${name} is not on record` };
    return Promise.resolve({ ok: false, error });
  };
  const again = await sandbox.evaluate(code, { host, seed, signal, past: evaluationPast(past) });
  const called = more.map((name) => ({
    ...{ seq, type: "eval.result" },
    message: `the code called ${name}, which it did not in the record`,
  }));
  return [...called, ...evaluationDifferences(seq, evaluation, again)];
}

function evaluationDifferences(
  seq: number,
  recorded: Evaluation,
  replayed: Evaluation,
): ReplayDifference[] {
  const parts: readonly (readonly [string, (evaluation: Evaluation) => unknown])[] = [
    ["outcome", (each) => (each.ok ? "ok" : `${each.error.name}: ${each.error.message}`)],
    ["value", (each) => (each.ok ? (each.value ?? null) : null)],
    ["logs", ({ logs }) => logs],
    ["variables", (each) => (each.ok ? each.snapshot : null)],
    ["number of calls", ({ toolCalls }) => toolCalls],
  ];
  return parts.flatMap(([what, of]) => {
    const [before, now] = [shown(of(recorded)), shown(of(replayed))];
    if (JSON.stringify(of(recorded)) === JSON.stringify(of(replayed))) return [];
    const message = `the ${what} of the evaluation differ${what.endsWith("s") ? "" : "s"}`;
    return [{ seq, type: "eval.result", message, recorded: before, replayed: now }];
  });
}

/** Ends that come from outside are not compared. */
const fromOutside: ReadonlySet<string> = new Set<CancelReason>([
  "interrupted",
  "timeout",
  "budget_exceeded",
  "rate_limited",
  "provider_failed",
]);

function endDifferences(seq: number, recorded: TurnResult, replayed: TurnResult) {
  if (recorded.status === "cancel" && fromOutside.has(recorded.reason)) return [];
  const [before, now] = [endOf(recorded), endOf(replayed)];
  if (before === now) return [];
  const message = "the turn ended in another way";
  return [{ seq, type: "turn.finished", message, recorded: shown(before), replayed: shown(now) }];
}

function endOf(result: TurnResult): string {
  if (result.status === "ok") return JSON.stringify(result.value);
  return `${result.reason}: ${result.error.message}`;
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const head = headBytes(text, SHOWN_BYTES_MAX);
  return head.length < text.length ? `${head}…` : head;
}
