/** What programs import that run agents themselves: `import { execute, parallel } from "legion"`. */
import { resolve } from "node:path";
import type { TurnFigures, TurnResult } from "./agent/contract.ts";
import { type Cancelled, isCancel, runParallel, runPipeline } from "./agent/team/combine.ts";
import { cancelledBy, parallelTimedOut, siblingStopped } from "./agent/team/errors.ts";
import { type ErrorData, LegionError } from "./lib/errors.ts";
import type { Json } from "./lib/json.ts";
import { parseDuration } from "./lib/quantities.ts";
import type { Diagnostic } from "./manifest/diagnostics.ts";
import type { LegionEvent } from "./telemetry/events.ts";

export type { Cancelled, ErrorData, Json, LegionEvent, TurnFigures, TurnResult };
export { isCancel, LegionError };

export interface RuntimeSources {
  /** Paths of manifests: files and folders. */
  readonly manifests: string | readonly string[];
  /** What relative paths are relative to; the working folder of the process unless told. */
  readonly cwd?: string;
  /** Where keys of models and secrets are read from; process.env unless told. */
  readonly env?: NodeJS.ProcessEnv;
  /** Where state is kept; `.legion` below cwd unless told. */
  readonly stateFolder?: string;
  /** Takes every event. */
  readonly onEvent?: (event: LegionEvent) => void;
}

export interface Task {
  /** The name of an Agent. */
  readonly agent: string;
  readonly task: string;
  /** In place of the agent's own model. */
  readonly model?: string;
  /** Ends the run: as timeout when its reason is a TimeoutError (AbortSignal.timeout), else as interrupted. */
  readonly signal?: AbortSignal;
}

/** Agents of a set of manifests, ready to run. Dispose of it when it is not needed any more. */
export interface AgentRuntime extends AsyncDisposable {
  /** Runs one task of one agent to its end. A run that did not come to an answer is a result too; it throws LEG7003 for an agent that does not exist, LEG4xxx for a tool that cannot be built. */
  execute(task: Task): Promise<TurnResult>;
}

/** Loads manifests for many runs. Throws the first of their faults, with its code, place and next step. */
export async function openRuntime(sources: RuntimeSources): Promise<AgentRuntime> {
  const { cwd: folder = process.cwd(), env = process.env, onEvent = () => {} } = sources;
  const cwd = resolve(folder);
  const [{ loadManifests }, { builtinFacts: builtins }, { createRuntime }] = await Promise.all([
    import("./manifest/load.ts"),
    import("./tools/types/builtin.ts"),
    import("./runtime.ts"),
  ]);
  const manifests = await loadManifests([sources.manifests].flat(), { cwd, env, builtins });
  const errors = manifests.diagnostics.filter(({ severity }) => severity === "error");
  const [first] = errors;
  if (first !== undefined) throw invalid(first, errors.length);
  const stateFolder = resolve(cwd, sources.stateFolder ?? ".legion");
  const runtime = createRuntime({ manifests, env, cwd, stateFolder, onEvent });
  return {
    execute: ({ agent, task, model, signal = new AbortController().signal }) =>
      runtime.runAgent(agent, { task, signal, ...(model !== undefined && { model }) }),
    [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose](),
  };
}

/** Loads manifests and runs one task of one agent. */
export async function execute(options: RuntimeSources & Task): Promise<TurnResult> {
  await using runtime = await openRuntime(options);
  return await runtime.execute(options);
}

function invalid({ code, summary, detail, range, filename }: Diagnostic, faults: number) {
  const { line, column } = range?.start ?? {};
  const file = range?.filename ?? filename;
  const place = range === undefined ? file : `${file}:${line}:${column}`;
  const others = faults > 1 ? `, and ${faults - 1} more` : "";
  const message = `${place}: ${summary}${others}`;
  return new LegionError({ code, message, hint: detail });
}

/** An answer, or why there is none. What `execute` gives is one. */
export type Outcome<Value = Json> = { readonly status: "ok"; readonly value: Value } | Cancelled;

export interface ParallelOptions {
  /** The most at once; 8 unless told. */
  readonly concurrency?: number;
  /** The most time for all of them: `30s`, or milliseconds. */
  readonly timeout?: string | number;
  /** Ends all of them. */
  readonly signal?: AbortSignal;
}

const CONCURRENCY = 8;
/** How long tasks that are stopped may take to end; then they are not waited for. */
const STOP_MS_MAX = 2_000;

/**
 * Runs tasks at the same time, each with the signal that ends it. Gives their answers in order, or the first cancel in list
 * order; as soon as one is cancelled the others are stopped. A timeout is a cancel.
 */
export async function parallel<Value = Json>(
  tasks: readonly ((signal: AbortSignal) => Promise<Outcome<Value>>)[],
  { concurrency = CONCURRENCY, timeout, signal }: ParallelOptions = {},
): Promise<Outcome<Value[]>> {
  if (signal?.aborted === true) return cancelOf(signal.reason);
  const controller = new AbortController();
  const over = Promise.withResolvers<Cancelled>();
  const end = (cancelled: Cancelled, reason: unknown) => {
    over.resolve(cancelled);
    controller.abort(reason);
  };
  const interrupted = () => end(cancelOf(signal?.reason), signal?.reason);
  const limitMs = timeout === undefined ? undefined : milliseconds(timeout);
  const late = () =>
    end(parallelTimedOut(limitMs ?? 0), new DOMException("the time is over", "TimeoutError"));
  const limit = limitMs === undefined ? undefined : setTimeout(late, limitMs);
  let grace: NodeJS.Timeout | undefined;
  const stop = () => {
    controller.abort(siblingStopped());
    return new Promise((resume) => {
      grace = setTimeout(resume, STOP_MS_MAX);
    });
  };
  signal?.addEventListener("abort", interrupted, { once: true });
  try {
    const thunks = tasks.map((task) => () => task(controller.signal));
    const ended = await runParallel(thunks, { concurrency, stop, over: over.promise });
    if (isCancel(ended)) return plain(ended);
    return { status: "ok", value: ended.flatMap((each) => (isCancel(each) ? [] : [each.value])) };
  } finally {
    clearTimeout(limit);
    clearTimeout(grace);
    signal?.removeEventListener("abort", interrupted);
  }
}

/** A step of a pipeline: gets the value of the one before it. */
export type Step = (previous: Json) => Outcome | Promise<Outcome>;

/** Runs steps one after the other, the first with `initial`; a cancel ends them and is the result. */
export async function pipeline(initial: Json, ...steps: readonly Step[]): Promise<Outcome> {
  const first: Outcome = { status: "ok", value: initial };
  const next = steps.map((step) => (previous: unknown) => step((previous as Answer).value));
  return plain((await runPipeline(first, next)) as Outcome);
}

/** Goes on with an answer, or passes a cancel on. Not named `then`: a module with such a name cannot be awaited. */
export async function andThen(previous: Outcome | Promise<Outcome>, step: Step): Promise<Outcome> {
  const ended = await previous;
  return plain(isCancel(ended) ? ended : await step(ended.value));
}

type Answer = Extract<Outcome, { status: "ok" }>;

/** Without the figures of the turn that it came from. */
function plain<Value>(outcome: Outcome<Value>): Outcome<Value> {
  if (!isCancel(outcome)) return { status: "ok", value: outcome.value };
  return { status: "cancel", reason: outcome.reason, error: outcome.error };
}

function cancelOf(reason: unknown): Cancelled {
  if (reason instanceof LegionError) return cancelledBy("interrupted", reason);
  const isTimeout = reason instanceof DOMException && reason.name === "TimeoutError";
  return isTimeout
    ? cancelledBy("timeout", {
        code: "LEG2022",
        message: "the parallel tasks were not finished within the limit of the caller",
        hint: "raise the caller's limit, or give the agents less to do",
      })
    : cancelledBy("interrupted", {
        code: "LEG2023",
        message: "the parallel tasks were interrupted before they had finished",
        hint: "run them again",
      });
}

function milliseconds(timeout: string | number): number {
  const limitMs = typeof timeout === "number" ? timeout : parseDuration(timeout);
  if (limitMs !== undefined && limitMs >= 0) return limitMs;
  throw new TypeError(`timeout is "${timeout}": write a duration such as 30s, or milliseconds`);
}
