import { accept } from "./accept.ts";
import { ask } from "./ask.ts";
import { evaluate, readySandbox } from "./evaluate.ts";
import type { StepFailure } from "./failure.ts";
import { codeFailure, failureText, successText } from "./messages.ts";
import { mayEvaluate } from "./prompt.ts";
import { type Action, parseReply, replyCutOff } from "./protocol.ts";
import { limited, type Outcome, type Progress } from "./steps.ts";
import { runToolStep, type ToolAttempt } from "./tool-step.ts";
import { say, type Turn } from "./turn.ts";

/** Asks the model once, does what it says, and appends what it is to read next. */
export async function runStep(turn: Turn, progress: Progress, causedBy: string): Promise<Outcome> {
  const { emit, clock, agent } = turn.options;
  const { iteration, retries } = progress;
  const startedMs = clock.monotonic();
  turn.spent.iterations = iteration + 1;
  const started = emit("legion.iteration.start", { iteration, retry: retries }, causedBy);
  const stepOf = agent.spec.mode === "tools" ? runToolStep : runCodeStep;
  const { action, outcome: came } = await stepOf(turn, progress, started);
  const isOver = came.type !== "finish" && turn.deadline.signal.aborted;
  const outcome = isOver ? turn.deadline.end() : limited(came, progress, agent.spec);
  if (outcome.type === "retry") say(turn, "error", failureText(outcome.failure), started);
  const stop = { iteration, outcome: outcome.type, durationMs: clock.monotonic() - startedMs };
  emit(
    "legion.iteration.stop",
    {
      ...stop,
      ...(action !== undefined && { action }),
      ...(outcome.type === "retry" && { error: outcome.failure.error }),
    },
    started,
  );
  return outcome;
}

async function runCodeStep(
  turn: Turn,
  _progress: Progress,
  causedBy: string,
): Promise<ToolAttempt> {
  const { spec } = turn.options.agent;
  // If it fails, the evaluation that needs it says so. What is on record needs none.
  if (mayEvaluate(spec) && turn.record.isLive) readySandbox(turn).catch(() => {});
  const answer = await ask(turn, causedBy);
  if (!answer.ok) return { outcome: answer.end };
  const reply = parseReply(answer.text, spec.actionTypes);
  if (!reply.ok) {
    // Providers refuse messages without text.
    say(turn, "assistant", answer.text.trim() === "" ? "(no text)" : answer.text, causedBy);
    return { outcome: retry(answer.isCutOff ? replyCutOff() : reply.failure) };
  }
  say(turn, "assistant", reply.json, causedBy);
  return { action: reply.action.type, outcome: await act(turn, reply.action, causedBy) };
}

function act(turn: Turn, action: Action, causedBy: string): Promise<Outcome> | Outcome {
  switch (action.type) {
    case "done":
      return { type: "finish", value: null };
    case "return":
      return accept(turn, action.result, causedBy);
    default:
      return runCode(turn, action, causedBy);
  }
}

type EvalAction = Extract<Action, { code: string }>;

async function runCode(turn: Turn, action: EvalAction, causedBy: string): Promise<Outcome> {
  const isCompleting = action.type === "eval_and_complete";
  const evaluated = await evaluate(turn, action.code, { causedBy, isCompleting });
  if (!evaluated.ran) return evaluated.end;
  const { evaluation } = evaluated;
  if (!evaluation.ok) return retry(codeFailure(evaluation));
  const outcome: Outcome = isCompleting
    ? await accept(turn, evaluation.value ?? null, causedBy)
    : { type: "continue" };
  const persists = turn.options.agent.spec.bindingScope !== "iteration";
  if (outcome.type !== "retry")
    say(turn, "eval_result", successText(evaluation, persists), causedBy);
  return outcome;
}

function retry(failure: StepFailure): Outcome {
  return { type: "retry", failure };
}
