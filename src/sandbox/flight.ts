import { LegionError, messageOf } from "../lib/errors.ts";
import type { Json } from "../lib/json.ts";
import type { Evaluation, EvaluationError, Host, HostReply } from "./contract.ts";
import type { Outcome, ToWorker } from "./protocol.ts";

/** More than this is not recorded: the evaluation then ends with its worker. */
const RECORD_CHARS_MAX = 8 * 1024 * 1024;
/** An evaluation is begun at most so often. */
const ATTEMPTS_MAX = 3;

type Post = (message: ToWorker) => void;

/**
 * One evaluation, seen from the pool, from its beginning to its end. It records what the code has asked and been told, so that it
 * can begin again on another worker without asking anything twice.
 */
export class Flight {
  readonly id: number;
  readonly ended: Promise<Evaluation>;
  readonly #code: string;
  readonly #timeoutMs: number;
  readonly #host: Host;
  readonly #startedAt = performance.now();
  readonly #controller = new AbortController();
  readonly #resolve: (evaluation: Evaluation) => void;
  readonly #calls: { readonly name: string; readonly argument: string }[] = [];
  /** In the order in which the guest got them. */
  readonly #answers: { readonly call: number; readonly text: string }[] = [];
  #recordedChars = 0;
  #pauses = 0;
  #attempts = 0;
  #post: Post = () => {};
  isOver = false;

  constructor(id: number, code: string, timeoutMs: number, host: Host) {
    this.id = id;
    this.#code = code;
    this.#timeoutMs = timeoutMs;
    this.#host = host;
    const { promise, resolve } = Promise.withResolvers<Evaluation>();
    this.ended = promise;
    this.#resolve = resolve;
  }

  /**
   * Sends all that a worker needs to begin the evaluation, or to begin it again: the answers that it had come in the same order,
   * so the code does the same as the first time. False when it cannot begin again.
   */
  launch(sandbox: number, post: Post): boolean {
    this.#attempts += 1;
    if (this.#attempts > ATTEMPTS_MAX || this.#recordedChars > RECORD_CHARS_MAX) return false;
    this.#post = post;
    const evaluation = this.id;
    post({ type: "evaluate", sandbox, evaluation, code: this.#code, timeoutMs: this.#timeoutMs });
    for (const { call, text } of this.#answers) post({ type: "reply", evaluation, call, text });
    if (this.#pauses > 0) post({ type: "pause", evaluation, isPaused: true });
    return true;
  }

  /** Takes a call of the guest. False when it is not the call that was made at this point the first time. */
  onCall(call: number, name: string, argument: string): boolean {
    const before = this.#calls[call - 1];
    if (before !== undefined) return before.name === name && before.argument === argument;
    this.#calls.push({ name, argument });
    this.#recordedChars += name.length + argument.length;
    void this.#answer(call, name, argument);
    return true;
  }

  finish(outcome: Outcome): void {
    if (!outcome.ok) {
      this.#end(outcome);
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
      toolCalls: this.#calls.length,
      durationMs,
    });
  }

  #end(evaluation: Evaluation): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#controller.abort();
    this.#resolve(evaluation);
  }

  async #answer(call: number, name: string, argument: string): Promise<void> {
    const text = replyText(await this.#ask(name, argument));
    if (this.isOver) return;
    this.#recordedChars += text.length;
    this.#answers.push({ call, text });
    this.#post({ type: "reply", evaluation: this.id, call, text });
  }

  async #ask(name: string, text: string): Promise<HostReply> {
    try {
      const argument = text === "" ? undefined : (JSON.parse(text) as Json);
      const call = {
        signal: this.#controller.signal,
        pauseClock: <T>(wait: Promise<T>) => this.#pauseClock(wait),
      };
      return await this.#host(name, argument, call);
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
