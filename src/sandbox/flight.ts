import { isDeepStrictEqual } from "node:util";
import { LegionError, messageOf } from "../lib/errors.ts";
import type { Json } from "../lib/json.ts";
import type {
  Evaluation,
  EvaluationError,
  EvaluationPast,
  Host,
  HostReply,
  Readings,
} from "./contract.ts";
import { failures } from "./failure.ts";
import type { Outcome, ToWorker } from "./protocol.ts";

/** More than this is not recorded: the evaluation then ends with its worker. */
const RECORD_CHARS_MAX = 8 * 1024 * 1024;
/** Of an argument a message shows no more. */
const SHOWN_CHARS_MAX = 200;
/** An evaluation is begun at most so often. */
const ATTEMPTS_MAX = 3;

type Post = (message: ToWorker) => void;

type Call = EvaluationPast["calls"][number];

export interface FlightPlan {
  readonly code: string;
  readonly timeoutMs: number;
  readonly host: Host;
  readonly seed: string;
  readonly past: EvaluationPast | undefined;
}

/**
 * One evaluation, seen from the pool, from its beginning to its end. It records what the code has asked and been told, so that it
 * can begin again on another worker without asking anything twice. It may have a past from the start: then the code gets the
 * recorded answers, in their order, and the host is asked nothing before the code has made all recorded calls again.
 */
export class Flight {
  readonly id: number;
  readonly ended: Promise<Evaluation>;
  readonly #plan: FlightPlan;
  readonly #startedAt = performance.now();
  readonly #controller = new AbortController();
  readonly #resolve: (evaluation: Evaluation) => void;
  readonly #calls: Call[];
  /** Calls of the past without an answer; the host has not been asked yet. */
  #begun: readonly number[];
  /** So many calls were recorded when the code began. */
  #expected = 0;
  #made = 0;
  /** In the order in which the guest got them. */
  readonly #answers: { readonly call: number; readonly text: string }[] = [];
  #recordedChars = 0;
  #pauses = 0;
  #attempts = 0;
  #post: Post = () => {};
  isOver = false;

  constructor(id: number, plan: FlightPlan) {
    this.id = id;
    this.#plan = plan;
    const { calls, answers } = plan.past ?? { calls: [], answers: [] };
    this.#calls = [...calls];
    const answered = new Set(answers.map(({ call }) => call));
    this.#begun = calls.flatMap((_, index) => (answered.has(index + 1) ? [] : [index + 1]));
    for (const { call, reply } of answers) this.#answers.push({ call, text: replyText(reply) });
    const { promise, resolve } = Promise.withResolvers<Evaluation>();
    this.ended = promise;
    this.#resolve = resolve;
  }

  /**
   * Sends all that a worker needs to begin the evaluation, or to begin it again: the answers that it had come in the same order,
   * so the code does the same as the first time, and so are its times and random numbers. False when it cannot begin again.
   */
  launch(sandbox: number, post: Post): boolean {
    this.#attempts += 1;
    if (this.#attempts > ATTEMPTS_MAX || this.#recordedChars > RECORD_CHARS_MAX) return false;
    this.#post = post;
    const evaluation = this.id;
    const { code, timeoutMs, seed } = this.#plan;
    const readings = this.#calls.map((call) => call.readings);
    this.#expected = readings.length;
    const tail = this.#tail();
    const times = { readings, ...(tail !== undefined && { tail }) };
    post({ type: "evaluate", sandbox, evaluation, code, timeoutMs, seed, ...times });
    for (const { call, text } of this.#answers) post({ type: "reply", evaluation, call, text });
    if (this.#expected > 0) post({ type: "replayed", evaluation });
    if (this.#pauses > 0) post({ type: "pause", evaluation, isPaused: true });
    return true;
  }

  /** Given only where the code stands after the calls of its past, and not after others that it has made since. */
  #tail(): Readings | undefined {
    const { past } = this.#plan;
    return this.#calls.length === past?.calls.length ? past.tail : undefined;
  }

  /** Takes a call of the guest. The error when it is not the call that was made at this point the first time. */
  onCall(
    call: number,
    name: string,
    argument: string,
    readings: Readings,
  ): EvaluationError | undefined {
    this.#made = Math.max(this.#made, call);
    const before = this.#calls[call - 1];
    if (before === undefined) {
      this.#calls.push({ name, argument, readings });
      this.#recordedChars += name.length + argument.length + readings.length;
      void this.#answer(call, false);
      return undefined;
    }
    if (before.name !== name || !isSameArgument(before.argument, argument))
      return failures.diverged(difference(call, before, { name, argument }));
    if (call === this.#expected) this.#askBegun();
    return undefined;
  }

  finish(outcome: Outcome): void {
    if (!outcome.ok) {
      this.#end({ ...outcome, error: this.#explained(outcome) });
      return;
    }
    const { value, ...rest } = outcome;
    this.#end({ ...rest, value: value === undefined ? undefined : (JSON.parse(value) as Json) });
  }

  fail(error: EvaluationError): void {
    const durationMs = performance.now() - this.#startedAt;
    this.#end({
      ok: false,
      error,
      logs: [],
      logsCut: false,
      toolCalls: this.#made,
      durationMs,
      readings: "",
    });
  }

  #end(evaluation: Evaluation): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#controller.abort();
    this.#resolve(evaluation);
  }

  /** Of the worker it is only known that the code stopped short of its record. */
  #explained({ error, toolCalls }: Extract<Outcome, { ok: false }>): EvaluationError {
    const missing = this.#calls[toolCalls];
    return error.name === "Diverged" && missing !== undefined
      ? failures.diverged(difference(toolCalls + 1, missing, undefined))
      : error;
  }

  /** Only now is it sure that the code does what it did. */
  #askBegun(): void {
    const begun = this.#begun;
    this.#begun = [];
    for (const call of begun) void this.#answer(call, true);
  }

  async #answer(call: number, wasBegun: boolean): Promise<void> {
    const text = replyText(await this.#ask(call, wasBegun));
    if (this.isOver) return;
    this.#recordedChars += text.length;
    this.#answers.push({ call, text });
    this.#post({ type: "reply", evaluation: this.id, call, text });
  }

  async #ask(number: number, wasBegun: boolean): Promise<HostReply> {
    const { name, argument: text, readings } = this.#calls[number - 1] as Call;
    try {
      const argument = text === "" ? undefined : (JSON.parse(text) as Json);
      const call = {
        call: number,
        wasBegun,
        readings,
        signal: this.#controller.signal,
        pauseClock: <T>(wait: Promise<T>) => this.#pauseClock(wait),
      };
      return await this.#plan.host(name, argument, call);
    } catch (error) {
      // A host does not throw; when it does, the guest learns a message and no stack.
      if (!(error instanceof LegionError))
        return { ok: false, error: { name: "Error", message: messageOf(error) } };
      const { message, code, hint } = error;
      return { ok: false, error: { name: "Error", message, code, hint } };
    }
  }

  async #pauseClock<T>(wait: Promise<T>): Promise<T> {
    this.#pauses += 1;
    if (this.#pauses === 1) this.#sendPause(true);
    try {
      return await wait;
    } finally {
      this.#pauses -= 1;
      if (this.#pauses === 0) this.#sendPause(false);
    }
  }

  #sendPause(isPaused: boolean): void {
    if (!this.isOver) this.#post({ type: "pause", evaluation: this.id, isPaused });
  }
}

/** Who keeps a record may write JSON in another order. */
function isSameArgument(recorded: string, made: string): boolean {
  if (recorded === made) return true;
  if (recorded === "" || made === "") return false;
  try {
    return isDeepStrictEqual(JSON.parse(recorded), JSON.parse(made));
  } catch {
    return false;
  }
}

type Shown = Pick<Call, "name" | "argument">;

function difference(call: number, recorded: Shown, made: Shown | undefined): string {
  const now = made === undefined ? "has not been made now" : `is ${shown(made)} now`;
  return `call ${call} of the code was ${shown(recorded)} the first time and ${now}`;
}

function shown({ name, argument }: Shown): string {
  const text =
    argument.length > SHOWN_CHARS_MAX ? `${argument.slice(0, SHOWN_CHARS_MAX)}…` : argument;
  return `${name}(${text})`;
}

/** The reply as the guest reads it: of an error only the fields that it may show. */
function replyText(reply: HostReply): string {
  if (!reply.ok) {
    const { name, message, code, hint } = reply.error;
    return JSON.stringify({ ok: false, error: { name, message, code, hint } });
  }
  try {
    return JSON.stringify({ ok: true, value: reply.value });
  } catch {
    return JSON.stringify({
      ok: false,
      error: { name: "Error", message: "the answer cannot be written as JSON" },
    });
  }
}
