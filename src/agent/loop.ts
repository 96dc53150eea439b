import { durationMs } from "../lib/quantities.ts";
import { noUsage } from "../router/contract.ts";
import type { TurnFigures, TurnOptions, TurnResult } from "./contract.ts";
import { startDeadline } from "./deadline.ts";
import { systemPrompt } from "./prompt.ts";
import { startOf, stopOf } from "./record.ts";
import { replySchema } from "./reply-schema.ts";
import { createSession, type Session } from "./session.ts";
import { runStep } from "./step.ts";
import { advanced, atStart, beforeRequest, type End, type Progress } from "./steps.ts";
import { say, type Turn } from "./turn.ts";

/** Runs one task to its end. It rejects only for a bug: every failure of model, code, tools and provider is a result. */
export async function runTurn(options: TurnOptions): Promise<TurnResult> {
  if (options.session !== undefined) return inSession(options, options.session);
  const session = createSession();
  try {
    return await inSession(options, session);
  } finally {
    await session.close();
  }
}

function inSession(options: TurnOptions, session: Session): Promise<TurnResult> {
  return session.exclusive(async () => {
    const { emit, clock } = options;
    const startedMs = clock.monotonic();
    const started = emit("legion.agent.started", startOf(options));
    using deadline = startDeadline(durationMs(options.agent.spec.timeout), options.signal);
    const turn = openTurn(options, session, deadline);
    const ended = await runSteps(turn, started);
    const result = resultOf(turn, ended, clock.monotonic() - startedMs);
    emit("legion.agent.stopped", stopOf(result, options.message), started);
    return result;
  });
}

function openTurn(options: TurnOptions, session: Session, deadline: Turn["deadline"]): Turn {
  const { agent, toolbox } = options;
  const { spec } = agent;
  return {
    options,
    session,
    deadline,
    prompt: systemPrompt({ spec, toolbox }),
    schema: replySchema(spec),
    spent: { model: spec.model, usage: noUsage, iterations: 0, evaluations: 0, toolCalls: 0 },
  };
}

interface Ended {
  readonly end: End;
  readonly progress: Progress;
}

async function runSteps(turn: Turn, causedBy: string): Promise<Ended> {
  const { options, deadline } = turn;
  const { spec } = options.agent;
  say(turn, "user", options.task, causedBy);
  for (let progress = atStart; ; ) {
    const over = deadline.signal.aborted ? deadline.end() : beforeRequest(progress, spec);
    if (over !== undefined) return { end: over, progress };
    const outcome = await runStep(turn, progress, causedBy);
    if (outcome.type === "finish" || outcome.type === "cancel") return { end: outcome, progress };
    progress = advanced(progress, outcome);
  }
}

function resultOf(turn: Turn, { end, progress }: Ended, tookMs: number): TurnResult {
  const { agent, run } = turn.options;
  const figures: TurnFigures = {
    agent: agent.name,
    run,
    ...turn.spent,
    retries: progress.retriesTotal,
    durationMs: Math.round(tookMs),
  };
  if (end.type === "finish") return { status: "ok", value: end.value, ...figures };
  const { reason, error, lastError = progress.lastError } = end;
  return {
    status: "cancel",
    reason,
    error,
    ...(lastError !== undefined && { lastError }),
    ...figures,
  };
}
