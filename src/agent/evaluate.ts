import { errorData } from "../lib/errors.ts";
import { durationMs, sizeBytes } from "../lib/quantities.ts";
import type { AgentSpec } from "../manifest/generated/agent.ts";
import type { Evaluation, Sandbox, SandboxLimits } from "../sandbox/contract.ts";
import { terminated } from "./cancel.ts";
import { guestHost, guestSurface } from "./guest.ts";
import type { End } from "./steps.ts";
import { type Turn, toolCaller } from "./turn.ts";

export type Evaluated =
  | { readonly ran: true; readonly evaluation: Evaluation }
  | { readonly ran: false; readonly end: End };

/** Runs the model's code with the agent's tools. */
export async function evaluate(turn: Turn, code: string, causedBy: string): Promise<Evaluated> {
  const { emit, toolbox } = turn.options;
  const { session, deadline, spent } = turn;
  let sandbox: Sandbox;
  try {
    sandbox = await readySandbox(turn);
  } catch (error) {
    return { ran: false, end: { type: "cancel", reason: "terminated", error: errorData(error) } };
  }
  spent.evaluations += 1;
  const started = emit("legion.sandbox.eval.start", { code }, causedBy);
  const host = guestHost({ toolbox, recall: session.recall, caller: toolCaller(turn, started) });
  const evaluation = await sandbox.evaluate(code, { host, signal: deadline.signal });
  emit("legion.sandbox.eval.stop", evalStop(evaluation), started);
  if (evaluation.ok) session.keep(evaluation.snapshot);
  const wasAborted = !evaluation.ok && evaluation.error.name === "Aborted";
  if (!wasAborted) return { ran: true, evaluation };
  // Without a deadline it was the pool that ended it.
  const closed: End = { type: "cancel", reason: "terminated", error: terminated() };
  return { ran: false, end: deadline.signal.aborted ? deadline.end() : closed };
}

/**
 * The sandbox with the variables that the agent's bindingScope lets live. Called before the model is asked too, so that it
 * gets ready while the model thinks.
 */
export function readySandbox({ options, session, spent }: Turn): Promise<Sandbox> {
  const { pool, toolbox, agent } = options;
  const { bindingScope } = agent.spec;
  const isFresh =
    bindingScope === "iteration" || (bindingScope === "turn" && spent.evaluations === 0);
  const limits = sandboxLimits(agent.spec);
  return session.sandbox({ pool, limits, surface: guestSurface(toolbox), isFresh });
}

function sandboxLimits({ sandbox, maxBindingsBytes }: AgentSpec): SandboxLimits {
  return {
    timeoutMs: durationMs(sandbox.timeout),
    memoryBytes: sizeBytes(sandbox.memory),
    maxToolCalls: sandbox.maxToolCalls,
    maxResultBytes: sizeBytes(sandbox.maxResultBytes),
    maxLogBytes: sizeBytes(sandbox.maxLogBytes),
    maxBindingsBytes: sizeBytes(maxBindingsBytes),
    isolation: sandbox.isolation,
  };
}

function evalStop(evaluation: Evaluation) {
  const { ok, durationMs: took, toolCalls } = evaluation;
  const stop = { ok, durationMs: took, toolCalls };
  if (ok) return stop;
  const { name, message } = evaluation.error;
  return { ...stop, error: { name, message } };
}
