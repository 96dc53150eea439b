import { randomUUID } from "node:crypto";
import { errorData } from "../lib/errors.ts";
import type { Json } from "../lib/json.ts";
import { durationMs, sizeBytes } from "../lib/quantities.ts";
import type { AgentSpec } from "../manifest/generated/agent.ts";
import type { Evaluation, Sandbox, SandboxLimits } from "../sandbox/contract.ts";
import type { Redact } from "../tools/call/redact.ts";
import { redactValue } from "../tools/call/redact.ts";
import { tellServed } from "./call-events.ts";
import { terminated } from "./cancel.ts";
import { guestHost, guestSurface } from "./guest.ts";
import { evaluationPast, type PastEvaluation } from "./journal/past.ts";
import { evaluationDiverged } from "./journal/record.ts";
import type { End } from "./steps.ts";
import type { Turn } from "./turn.ts";

export type Evaluated =
  | { readonly ran: true; readonly evaluation: Evaluation }
  | { readonly ran: false; readonly end: End };

interface EvaluateFor {
  readonly causedBy: string;
  /** The value of the code ends the turn. */
  readonly isCompleting: boolean;
}

/** Runs the model's code with the agent's tools; goes on with an evaluation that an earlier process has begun, and serves one that it has ended. */
export async function evaluate(turn: Turn, code: string, why: EvaluateFor): Promise<Evaluated> {
  const past = turn.record.evaluation(code);
  if (past?.result !== undefined) {
    await turn.options.onServed?.(past, () => readySandbox(turn));
    return { ran: true, evaluation: served(turn, past, past.result.evaluation, why.causedBy) };
  }
  let sandbox: Sandbox;
  try {
    sandbox = await readySandbox(turn);
  } catch (error) {
    return { ran: false, end: { type: "cancel", reason: "terminated", error: errorData(error) } };
  }
  const evaluation = await run(turn, sandbox, { code, past, ...why });
  const wasAborted = !evaluation.ok && evaluation.error.name === "Aborted";
  if (!wasAborted) return { ran: true, evaluation };
  // Without a deadline it was the pool that ended it.
  const closed: End = { type: "cancel", reason: "terminated", error: terminated() };
  const { deadline } = turn;
  return { ran: false, end: deadline.signal.aborted ? deadline.end() : closed };
}

interface Run extends EvaluateFor {
  readonly code: string;
  readonly past: PastEvaluation | undefined;
}

async function run(
  turn: Turn,
  sandbox: Sandbox,
  { code, past, causedBy, isCompleting }: Run,
): Promise<Evaluation> {
  const { record, deadline, session, spent, options } = turn;
  spent.evaluations += 1;
  const number = spent.evaluations;
  const started = options.emit("legion.sandbox.eval.start", { code }, causedBy);
  const seed = past?.seed ?? (record.isKept ? randomUUID() : undefined);
  if (past !== undefined) for (const call of past.calls) tellServed(turn, call, started);
  else if (seed !== undefined) record.soon("eval.started", { eval: number, code, seed });
  const ran = await sandbox.evaluate(code, {
    host: guestHost(turn, { number, past, isCompleting, causedBy: started }),
    signal: deadline.signal,
    ...(seed !== undefined && { seed }),
    ...(past !== undefined && { past: evaluationPast(past) }),
  });
  if (!ran.ok && ran.error.name === "Diverged")
    throw evaluationDiverged(options.run, past?.seq ?? 0, ran.error.message);
  const evaluation = withoutSecrets(ran, options.redact);
  options.emit("legion.sandbox.eval.stop", evalStop(evaluation), started);
  if (!evaluation.ok && evaluation.error.name === "Aborted") return evaluation;
  await record.append("eval.result", { eval: number, evaluation });
  // Variables with a secret in them are not those that the sandbox holds.
  if (evaluation.ok) {
    const isSame = ran.ok && ran.snapshot === evaluation.snapshot;
    if (isSame) session.keep(evaluation.snapshot);
    else session.replace(evaluation.snapshot);
  }
  return evaluation;
}

/** An evaluation that an earlier process has ended: its variables are taken over, and nothing is run. */
function served(
  turn: Turn,
  past: PastEvaluation,
  evaluation: Evaluation,
  causedBy: string,
): Evaluation {
  const { options, session, spent } = turn;
  const isFresh = startsFresh(turn);
  spent.evaluations += 1;
  const started = options.emit("legion.sandbox.eval.start", { code: past.code }, causedBy);
  for (const call of past.calls) tellServed(turn, call, started);
  options.emit("legion.sandbox.eval.stop", evalStop(evaluation), started);
  if (evaluation.ok) session.replace(evaluation.snapshot);
  else if (isFresh) session.replace(undefined);
  return evaluation;
}

/** The evaluation without secrets in its value, logs, errors and variables. */
function withoutSecrets(evaluation: Evaluation, redact: Redact | undefined): Evaluation {
  if (redact === undefined) return evaluation;
  const clean = (value: unknown) => redactValue(value as Json, redact);
  if (!evaluation.ok) return clean(evaluation) as unknown as Evaluation;
  const { snapshot, ...rest } = evaluation;
  const isOpen = redact(snapshot) !== snapshot;
  // A snapshot is JSON: its texts are looked at one by one, so that it stays that.
  const kept = isOpen ? JSON.stringify(clean(JSON.parse(snapshot))) : snapshot;
  const { value } = evaluation;
  const cleaned = clean({ ...rest, value: value ?? null }) as unknown as typeof rest;
  return { ...cleaned, value: value === undefined ? undefined : cleaned.value, snapshot: kept };
}

/**
 * The sandbox with the variables that the agent's bindingScope lets live. Called before the model is asked too, so that it
 * gets ready while the model thinks.
 */
export function readySandbox(turn: Turn): Promise<Sandbox> {
  const { pool, toolbox, agent } = turn.options;
  const limits = sandboxLimits(agent.spec);
  const surface = guestSurface(toolbox);
  return turn.session.sandbox({ pool, limits, surface, isFresh: startsFresh(turn) });
}

/** Whether the next evaluation begins without variables. */
function startsFresh({ options, spent }: Turn): boolean {
  const { bindingScope } = options.agent.spec;
  return bindingScope === "iteration" || (bindingScope === "turn" && spent.evaluations === 0);
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
