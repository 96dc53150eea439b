import type { Clock } from "../lib/clock.ts";
import { type AttemptOptions, attempt, type Open } from "./attempt.ts";
import {
  type Answer,
  type Attempt,
  type CompleteOptions,
  type Completion,
  type ModelRequest,
  noUsage,
  type WireError,
} from "./contract.ts";
import { failure } from "./failures.ts";
import { type Decision, decide, type RetryLimits } from "./outcomes.ts";
import type { Candidate } from "./route.ts";
import { fallbackWarning, noneAnswered, standInWarning, type TargetFailure } from "./wording.ts";

export interface FailoverDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly limits: RetryLimits;
  readonly open: (candidate: Candidate, signal: AbortSignal) => ReturnType<Open>;
  /** Leaves a candidate out until its manifest or key changes. */
  readonly exclude: (candidate: Candidate, error: WireError) => Promise<void>;
  /** Takes secrets out of everything that a reader sees. */
  readonly redact: (text: string) => string;
}

/** Asks one candidate after the other, as the table of outcomes says, until one answers. */
export async function failover(
  judged: readonly Candidate[],
  request: ModelRequest,
  options: CompleteOptions,
  deps: FailoverDeps,
): Promise<Completion> {
  const attempts: Attempt[] = [];
  const deadlineMs = deps.clock.monotonic() + deps.limits.requestMs;
  const run: Run = { request, options, deps, attempts, deadlineMs, streamed: false };
  const warn = (message: string) => options.onWarning?.(deps.redact(message));
  const usable = judged.filter(({ error }) => error === undefined);
  const errors = new Map(judged.map((candidate) => [candidate, candidate.error]));
  for (const [index, candidate] of usable.entries()) {
    if (candidate.standIn) warn(standInWarning(candidate, failuresOf(errors)));
    const last = usable.slice(index + 1).every(({ standIn }) => standIn);
    const { answer, step } = await askTarget(run, candidate, last);
    const { provider, tier } = candidate;
    if (answer.ok) return { ...answer, provider, tier, attempts };
    errors.set(candidate, answer.error);
    if (step === "terminal") return { ok: false, error: answer.error, attempts };
    const next = usable[index + 1];
    if (next?.standIn === false)
      warn(fallbackWarning(candidate, answer.error, next, step === "out"));
  }
  return { ok: false, error: noneAnswered(failuresOf(errors)), attempts };
}

/** Those that failed, in the order of the candidates, also where some could not be asked at all. */
function failuresOf(errors: ReadonlyMap<Candidate, WireError | undefined>): TargetFailure[] {
  return [...errors].flatMap(([target, error]) => (error === undefined ? [] : [{ target, error }]));
}

/** The state of one request over all of its attempts. */
interface Run {
  readonly request: ModelRequest;
  readonly options: CompleteOptions;
  readonly deps: FailoverDeps;
  readonly attempts: Attempt[];
  readonly deadlineMs: number;
  /** Text has been passed on that no answer has followed yet. */
  streamed: boolean;
}

/** Asks one target, again after a pause where the table says so. */
async function askTarget(
  run: Run,
  candidate: Candidate,
  last: boolean,
): Promise<{ readonly answer: Answer; readonly step?: Decision["step"] }> {
  const { clock, limits, random, sleep, exclude } = run.deps;
  const ownMs = candidate.timeoutMs ?? Number.POSITIVE_INFINITY;
  const untilMs = Math.min(run.deadlineMs, clock.monotonic() + ownMs);
  for (let retries = 0; ; retries += 1) {
    const answer = await tryOnce(run, candidate, untilMs - clock.monotonic());
    if (answer.ok) return { answer };
    const leftMs = untilMs - clock.monotonic();
    const decision = decide({ error: answer.error, retries, last, leftMs }, limits, random());
    if (decision.step === "out") await exclude(candidate, answer.error);
    if (decision.step !== "again") return { answer, step: decision.step };
    // An abort during the pause is found at once by the next try.
    await sleep(decision.afterMs, run.options.signal).catch(() => undefined);
  }
}

/** One try, recorded. */
async function tryOnce(run: Run, candidate: Candidate, timeoutMs: number): Promise<Answer> {
  const { deps, options, attempts } = run;
  const { tier, provider, model } = candidate;
  if (run.streamed) options.onDelta?.({ type: "reset", text: "" });
  run.streamed = false;
  const startMs = deps.clock.monotonic();
  const answer = cleaned(await answerOf(run, candidate, timeoutMs), deps.redact);
  const durationMs = deps.clock.monotonic() - startMs;
  attempts.push(
    answer.ok
      ? { tier, provider, model, durationMs, usage: answer.usage }
      : { tier, provider, model, durationMs, usage: noUsage, error: answer.error },
  );
  return answer;
}

async function answerOf(run: Run, candidate: Candidate, timeoutMs: number): Promise<Answer> {
  const { request, options, deps } = run;
  const { signal } = options;
  const { provider } = candidate;
  const failed = (error: WireError): Answer => ({ ok: false, error });
  if (signal.aborted)
    return failed(failure("aborted", `the request to ${provider} was interrupted`));
  if (timeoutMs <= 0) return failed(failure("tierTooSlow", `no time is left to ask ${provider}`));
  const onDelta: AttemptOptions["onDelta"] = (delta) => {
    run.streamed = true;
    options.onDelta?.(delta);
  };
  const open: Open = (opening) => deps.open(candidate, opening);
  return attempt(open, request, { provider, signal, timeoutMs, onDelta });
}

/** The answer without secrets in its error. */
function cleaned(answer: Answer, redact: (text: string) => string): Answer {
  if (answer.ok) return answer;
  const { message, hint } = answer.error;
  return { ok: false, error: { ...answer.error, message: redact(message), hint: redact(hint) } };
}
