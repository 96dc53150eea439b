import { byteLength } from "../lib/text.ts";
import { Budget, type BudgetClock } from "./budget.ts";
import type { EvaluationError, EvaluationErrorName, Readings, SandboxLimits } from "./contract.ts";
import { failure, failures, thrownError } from "./failure.ts";
import type { Conditions, Failed, Instance } from "./instance.ts";
import { type Kept, keepBindings } from "./keep.ts";
import { LogLines } from "./log-lines.ts";
import { NOTHING_PREPARED, type Prepared, prepare, syntaxError } from "./prepare.ts";
import type { Outcome } from "./protocol.ts";
import { StripperCrash } from "./source.ts";

/** After the deadline, to write down a result that came in time. */
const CLOSING_MS = 250;
/** An instance never gives memory back; one that has grown past this is replaced after its evaluation. */
const GROWN_BYTES = 32 * 1024 * 1024;
/** A failure without a message in an instance as full as this is one of memory. */
const FULL = 0.9;

/** Not the doing of the code alone: a second time they can come earlier. */
const STOPS: ReadonlySet<EvaluationErrorName> = new Set([
  "Timeout",
  "OutOfMemory",
  "SandboxKilled",
  "Aborted",
]);

/** An outcome, but for what was read of the clock. */
type Unread = Without<Extract<Outcome, { ok: true }>> | Without<Extract<Outcome, { ok: false }>>;
type Without<Each> = Omit<Each, "readings">;

/** What an evaluation needs of the worker that runs it. */
export interface EvaluationDeps extends BudgetClock {
  /** Runs work that holds the engine, at most until a moment. */
  readonly hold: <Result>(untilMs: number, work: () => Result) => Result;
  readonly isAbortRequested: () => boolean;
  readonly sendCall: (call: number, name: string, argument: string, readings: Readings) => void;
  /** Called once. `isSpent`: the instance may hold what the code left, or has grown, and is to be replaced. */
  readonly done: (outcome: Outcome, isSpent: boolean) => void;
  /** Ends the worker: something in it is not to be trusted any more. */
  readonly retire: () => void;
}

/**
 * Runs one program in an instance. It goes in steps: begin, then one for each answer of the host; between them the worker is free
 * for others.
 */
export class Evaluation {
  readonly #instance: Instance;
  readonly #limits: SandboxLimits;
  readonly #timeoutMs: number;
  readonly #deps: EvaluationDeps;
  readonly #budget: Budget;
  readonly #console: LogLines;
  readonly #startedAt: number;
  #prepared: Prepared = NOTHING_PREPARED;
  #toolCalls = 0;
  /** So many calls the code made the first time, at least. */
  #recordedCalls = 0;
  #isOver = false;
  /** Why the engine was told to stop. */
  #stopReason: EvaluationError | undefined;

  constructor(instance: Instance, limits: SandboxLimits, timeoutMs: number, deps: EvaluationDeps) {
    this.#instance = instance;
    this.#limits = limits;
    this.#timeoutMs = timeoutMs;
    this.#deps = deps;
    this.#startedAt = deps.now();
    this.#console = new LogLines(limits.maxLogBytes);
    this.#budget = new Budget(timeoutMs, deps, () => this.#fail(failures.timeout({ timeoutMs })));
  }

  begin(code: string, conditions: Conditions): void {
    this.#recordedCalls = conditions.readings.length;
    this.#step(() => this.#parse(code, conditions));
  }

  reply(call: number, text: string): void {
    this.#step(() => {
      // The answer was there before the call: the code has taken another way.
      if (call > this.#toolCalls) return failures.diverged();
      const settled = this.#instance.settle(call, text);
      return settled === undefined || settled.type === "text" ? undefined : this.#errorOf(settled);
    });
  }

  /** The code has had all recorded answers, so it has made all recorded calls. */
  replayed(): void {
    if (this.#isEarly()) this.#fail(failures.diverged());
  }

  pause(isPaused: boolean): void {
    if (!this.#isOver) this.#budget.pause(isPaused);
  }

  abort(): void {
    this.#fail(failures.aborted());
  }

  /** A call of the guest; its number. */
  call(name: string, argument: string, readings: Readings): number {
    this.#toolCalls += 1;
    if (this.#toolCalls > this.#limits.maxToolCalls)
      this.#stopReason ??= failures.tooManyToolCalls(this.#limits);
    else this.#deps.sendCall(this.#toolCalls, name, argument, readings);
    return this.#toolCalls;
  }

  log(line: string): void {
    this.#console.add(line);
  }

  shouldStop(): boolean {
    if (this.#stopReason === undefined && this.#deps.isAbortRequested())
      this.#stopReason = failures.aborted();
    if (this.#stopReason === undefined && this.#deps.now() > this.#budget.stopAt) {
      this.#stopReason = failures.timeout({ timeoutMs: this.#timeoutMs });
    }
    return this.#stopReason !== undefined;
  }

  /** Runs a step of the code, then ends the evaluation or waits. */
  #step(work: () => EvaluationError | undefined): void {
    if (this.#isOver) return;
    try {
      const error = this.#budget.run((stopAt) =>
        this.#deps.hold(
          stopAt,
          () => work() ?? this.#stopReason ?? (this.#isOver ? undefined : this.#advance()),
        ),
      );
      if (error !== undefined) this.#fail(error);
      else if (!this.#isOver) this.#budget.wait();
    } catch (error) {
      // Not the model's error but one of the machinery around it.
      const isStripper = error instanceof StripperCrash;
      this.#fail(
        isStripper
          ? failure(
              "SyntaxError",
              "the code could not be read",
              "write plain JavaScript, less deeply nested",
            )
          : failures.broken(),
      );
      this.#deps.retire();
    }
  }

  #parse(code: string, conditions: Conditions): EvaluationError | undefined {
    const prepared = prepare(code, this.#instance.surfaceNames);
    if ("error" in prepared) return this.#refuse(prepared.error);
    this.#prepared = prepared;
    const failed = this.#instance.begin(prepared.program.code, conditions);
    if (failed === undefined) return undefined;
    const error = this.#errorOf(failed);
    if (failed.type !== "thrown" || error.name !== "RuntimeError") return error;
    return this.#refuse(syntaxError(prepared, failed.thrown.message));
  }

  /** Ends the evaluation before anything ran: the instance stays as it is. */
  #refuse(error: EvaluationError): undefined {
    this.#finish({ ...this.#base(), ok: false, error: this.#ownOrDiverged(error) }, false);
    return undefined;
  }

  /** Runs what can run, and ends the evaluation when nothing is left to do. */
  #advance(): EvaluationError | undefined {
    const pumped = this.#instance.pump();
    if (this.#stopReason !== undefined) return this.#stopReason;
    if (pumped !== undefined) return this.#errorOf(pumped);
    const progress = this.#instance.progress();
    if (progress === "waits") return this.#instance.openCalls() > 0 ? undefined : this.#stuck();
    if (progress !== "completed") return this.#errorOf(progress);
    // A call that nobody awaits is waited for too: what it does belongs to this evaluation.
    return this.#instance.openCalls() > 0 ? undefined : this.#complete();
  }

  #stuck(): EvaluationError {
    return this.#isEarly() ? failures.diverged() : failures.stuck();
  }

  /** Whether calls that are recorded have not been made yet. */
  #isEarly(): boolean {
    return this.#toolCalls < this.#recordedCalls;
  }

  #complete(): EvaluationError | undefined {
    if (this.#isEarly()) return failures.diverged();
    this.#budget.grant(CLOSING_MS);
    const limits = this.#limits;
    const result = this.#instance.ask("resultText", limits.maxResultBytes);
    if (result.type !== "text") return this.#notSerialisable(result);
    if (result.text === "") return failures.resultTooLarge(limits);
    const value = result.text?.slice(1);
    if (value !== undefined && byteLength(value) > limits.maxResultBytes)
      return failures.resultTooLarge(limits);
    const kept = keepBindings(this.#instance, limits.maxBindingsBytes);
    if (this.#stopReason !== undefined) return this.#stopReason;
    if (kept.type === "failed") return this.#errorOf(kept.failed);
    if (kept.type === "too large") return failures.bindingsTooLarge(limits, kept.largest);
    this.#succeed(value, kept);
    return undefined;
  }

  #succeed(
    value: string | undefined,
    { bindings, skipped, snapshot, isTampered }: Extract<Kept, { type: "kept" }>,
  ): void {
    const isSpent = isTampered || this.#instance.memoryBytes() > GROWN_BYTES;
    this.#finish(
      {
        ...this.#base(),
        ok: true,
        ...(value !== undefined && { value }),
        bindings,
        skipped,
        snapshot,
      },
      isSpent,
    );
  }

  #notSerialisable(failed: Failed): EvaluationError {
    const error = this.#errorOf(failed);
    return failed.type === "thrown" && error.name === "RuntimeError"
      ? failures.notSerialisable(failed.thrown.message)
      : error;
  }

  #errorOf(failed: Failed): EvaluationError {
    if (this.#stopReason !== undefined) return this.#stopReason;
    const isFull = this.#instance.memoryBytes() > this.#limits.memoryBytes * FULL;
    if (failed.type === "broken") {
      if (failed.cause instanceof RangeError) return failures.stackOverflow();
      return isFull ? failures.outOfMemory(this.#limits) : failures.broken();
    }
    const { thrown } = failed;
    if (thrown.message === "" && thrown.name === "" && isFull)
      return failures.outOfMemory(this.#limits);
    const { program, source } = this.#prepared;
    return thrownError(thrown, program, source.text, this.#limits, this.#instance.knownNames());
  }

  #fail(error: EvaluationError): void {
    this.#finish({ ...this.#base(), ok: false, error: this.#ownOrDiverged(error) }, true);
  }

  /** An error that the code came to before its recorded calls is not the one of the first time; a stop from outside can come any time. */
  #ownOrDiverged(error: EvaluationError): EvaluationError {
    return this.#isEarly() && !STOPS.has(error.name) ? failures.diverged() : error;
  }

  #finish(outcome: Unread, isSpent: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#budget.end();
    // Only now: what is asked of the result can be code that looks at the clock.
    const readings = this.#instance.end();
    this.#deps.done({ ...outcome, readings }, isSpent);
  }

  #base() {
    const { lines, isCut } = this.#console;
    return {
      logs: lines,
      logsCut: isCut,
      toolCalls: this.#toolCalls,
      durationMs: this.#deps.now() - this.#startedAt,
    };
  }
}
