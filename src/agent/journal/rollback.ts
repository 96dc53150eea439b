import { LegionError } from "../../lib/errors.ts";
import type { Json, JsonObject } from "../../lib/json.ts";
import type { JournalStep } from "../../state/journal.ts";
import type { Redact } from "../../tools/call/redact.ts";
import { callTool } from "../../tools/call.ts";
import type { ToolBinding, Toolbox, ToolReply } from "../../tools/contract.ts";
import { type CallReply, type PastCall, pastOf } from "./past.ts";

/** What a rollback did, newest call first. */
export interface Rollback {
  readonly run: string;
  readonly calls: readonly RolledBackCall[];
}

export interface RolledBackCall {
  readonly name: string;
  /** reverted: its revert was called. already: by an earlier rollback. skipped: it has none, or had failed. failed: the revert did; the ones before it were not touched. */
  readonly outcome: "reverted" | "already" | "skipped" | "failed";
  readonly message?: string;
}

export interface RollbackOptions {
  readonly run: string;
  /** How the run stands; one that runs cannot be undone (LEG2105). */
  readonly status: string;
  readonly agent: string;
  readonly steps: readonly JournalStep[];
  /** The tools as the run had them. */
  readonly toolbox: Pick<Toolbox, "tools">;
  readonly redact?: Redact;
  readonly signal: AbortSignal;
  /** Keeps that a call is undone, before the next one is. */
  reverted(data: JsonObject): Promise<void>;
  /** Keeps that all is undone. */
  finished(): Promise<void>;
}

/**
 * Undoes a run: newest first, each call that succeeded and whose function has a revert. What was undone is on record, so it can be
 * called again after a crash or a failure. It stops at a call of which nobody knows whether it was done, and at a revert that fails.
 */
export async function rollbackRun(options: RollbackOptions): Promise<Rollback> {
  const { run, status, steps, reverted } = options;
  if (status === "running") throw notEnded(run);
  const before = new Set(
    steps.filter(({ type }) => type === "call.reverted").map(({ data }) => data.key),
  );
  const calls: RolledBackCall[] = [];
  for (const call of callsOf(steps)) {
    const { name, key } = call;
    const plan = before.has(key) ? ({ type: "already" } as const) : planOf(options.toolbox, call);
    if (plan.type !== "revert") {
      const message = plan.type === "failed" ? { message: plan.message } : {};
      calls.push({ name, outcome: plan.type, ...message });
      if (plan.type === "failed") return { run, calls };
      continue;
    }
    const reply = await revert(options, call, plan);
    if (!reply.ok) {
      const message = `${plan.binding.as}.${plan.revert} failed: ${reply.error.message}`;
      calls.push({ name, outcome: "failed", message });
      return { run, calls };
    }
    await reverted({ key, name, by: `${plan.binding.as}.${plan.revert}` });
    calls.push({ name, outcome: "reverted" });
  }
  await options.finished();
  return { run, calls };
}

type Plan =
  | { readonly type: "skipped" }
  | { readonly type: "failed"; readonly message: string }
  | {
      readonly type: "revert";
      readonly binding: ToolBinding;
      readonly revert: string;
      readonly result: Json;
    };

/** What is to be done about one call. */
function planOf({ tools }: Pick<Toolbox, "tools">, call: PastCall): Plan {
  const { name, reply, begun } = call;
  const [as = "", called = ""] = name.split(".");
  const binding = tools.find((tool) => tool.as === as);
  const revert = binding?.tool.functions[called]?.revert;
  if (binding === undefined || revert === undefined || begun === 0) return { type: "skipped" };
  if (mayBeDone(reply)) {
    const message = `nobody knows whether ${name} was done: put it right by hand`;
    return { type: "failed", message };
  }
  if (reply?.ok !== true) return { type: "skipped" };
  return { type: "revert", binding, revert, result: reply.value ?? null };
}

/** Whether a call may have been done although there is no good reply: it was stopped, or took too long. */
function mayBeDone(reply: CallReply | undefined): boolean {
  if (reply === undefined) return true;
  return !reply.ok && ["LEG4006", "LEG4007", "LEG2101"].includes(reply.error.code ?? "");
}

function revert(
  { agent, run, signal, redact }: RollbackOptions,
  { key, argument = {} }: PastCall,
  { binding, revert: name, result }: Extract<Plan, { type: "revert" }>,
): Promise<ToolReply> {
  // The agent itself need not be allowed to call it.
  const granted = { ...binding, functions: [name] };
  const caller = { agent, run, signal, idempotencyKey: `${key}/revert` };
  return callTool([granted], `${binding.as}.${name}`, { args: argument, result }, caller, redact);
}

/** Every call of a run, newest first. */
function callsOf(steps: readonly JournalStep[]): readonly PastCall[] {
  const { items, calls } = pastOf(steps);
  const inCode = items.flatMap((item) => (item.type === "eval.started" ? item.calls : []));
  return [...inCode, ...calls.values()].toSorted((a, b) => b.seq - a.seq);
}

function notEnded(run: string): LegionError {
  return new LegionError({
    code: "LEG2105",
    message: `run ${run} has not ended`,
    hint: "wait for its end, or end it with `legion runs cancel`",
  });
}
