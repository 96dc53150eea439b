import { errorData } from "../lib/errors.ts";
import { durationMs } from "../lib/quantities.ts";
import { noUsage } from "../router/contract.ts";
import type { TurnFigures, TurnOptions, TurnResult } from "./contract.ts";
import { type Deadline, startDeadline } from "./deadline.ts";
import { isDivergence, openRecord } from "./journal/record.ts";
import { systemPrompt } from "./prompt.ts";
import { startOf, stopOf } from "./record.ts";
import { replySchema } from "./reply-schema.ts";
import { createSession, type Session } from "./session.ts";
import { runStep } from "./step.ts";
import { advanced, atStart, beforeRequest, type End, type Progress } from "./steps.ts";
import { toolDeclarations } from "./tool-declarations.ts";
import { say, type Turn } from "./turn.ts";

/**
 * Runs one task to its end, beginning with what is on record of it. It rejects only for a bug, and when its record cannot be
 * written: every failure of model, code, tools and provider is a result.
 */
export async function runTurn(options: TurnOptions): Promise<TurnResult> {
  if (options.session !== undefined) return inSession(options, options.session);
  const session = createSession({ maxMessages: options.agent.spec.conversation.maxMessages });
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
    session.begin();
    using deadline = startDeadline(durationMs(options.agent.spec.timeout), options.signal);
    try {
      const turn = openTurn(options, session, deadline);
      const ended = await runSteps(turn, started);
      // A step that is not on record must not be gone on from.
      if (turn.record.failure !== undefined) throw turn.record.failure;
      const result = resultOf(turn, ended, clock.monotonic() - startedMs);
      // In one transaction where they can be.
      const [kept] = await Promise.all([options.onEnd?.(result), turn.record.settled()]);
      if (turn.record.failure !== undefined) throw turn.record.failure;
      if (kept === "forgotten") session.abandon();
      emit("legion.agent.stopped", stopOf(result, options.message), started);
      return result;
    } catch (error) {
      session.abandon();
      throw error;
    }
  });
}

function openTurn(options: TurnOptions, session: Session, deadline: Deadline): Turn {
  const { agent, toolbox, run, journal } = options;
  const { spec } = agent;
  const spent = { model: spec.model, usage: noUsage, iterations: 0, evaluations: 0, toolCalls: 0 };
  return {
    options,
    session,
    deadline,
    record: openRecord(run, journal, (error) =>
      deadline.stop({ type: "cancel", reason: "terminated", error: errorData(error) }),
    ),
    prompt: systemPrompt({ spec, toolbox }),
    schema: replySchema(spec),
    declarations: spec.mode === "tools" ? toolDeclarations(toolbox).declarations : undefined,
    spent: { ...spent, responses: 0, checks: 0 },
  };
}

interface Ended {
  readonly end: End;
  readonly progress: Progress;
}

async function runSteps(turn: Turn, causedBy: string): Promise<Ended> {
  const { options, deadline, record } = turn;
  const { spec } = options.agent;
  say(turn, "user", options.task, causedBy);
  for (let progress = atStart; ; ) {
    // What is on record was done in time.
    const isOver = record.isLive && deadline.signal.aborted;
    const over = isOver ? deadline.end() : beforeRequest(progress, spec);
    if (over !== undefined) return { end: over, progress };
    try {
      const outcome = await runStep(turn, progress, causedBy);
      if (outcome.type === "finish" || outcome.type === "cancel") {
        if (!deadline.signal.aborted) record.over();
        return { end: outcome, progress };
      }
      progress = advanced(progress, outcome);
    } catch (error) {
      if (!isDivergence(error)) throw record.failure ?? error;
      return { end: { type: "cancel", reason: "terminated", error: error.toJSON() }, progress };
    }
  }
}

function resultOf(turn: Turn, { end, progress }: Ended, tookMs: number): TurnResult {
  const { agent, run } = turn.options;
  const { model, usage, iterations, evaluations, toolCalls } = turn.spent;
  const figures: TurnFigures = {
    ...{ agent: agent.name, run, model, usage, iterations, evaluations, toolCalls },
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
