import { LegionError, messageOf } from "../lib/errors.ts";
import type { Json } from "../lib/json.ts";
import type { EvaluateOptions, Evaluation, EvaluationError, HostReply } from "./contract.ts";
import type { Outcome, ToWorker } from "./protocol.ts";

/** More than this is not recorded: the evaluation then ends with its worker. */
const RECORD_CHARS_MAX = 8 * 1024 * 1024;
/** An evaluation is begun again at most so often. */
const ATTEMPTS_MAX = 3;

/** What the evaluation has asked and been told, so that it can be begun again on another worker without asking anything twice. */
interface Call {
  readonly name: string;
  readonly argument: string;
}

/** One evaluation, from the moment that it has a worker to its end. */
export interface Flight {
  readonly id: number;
  readonly code: string;
  readonly timeoutMs: number;
  readonly ended: Promise<Evaluation>;
  isOver(): boolean;
  /** Sends all that a worker needs to begin it, or to begin it again: after that it gets the answers in the order of the first time. False when it cannot be begun again. */
  launch(sandbox: number, post: (message: ToWorker) => void): boolean;
  /** A call of the guest. False when it is not the call that was made at this point the first time. */
  onCall(call: number, name: string, argument: string): boolean;
  finish(outcome: Outcome): void;
  fail(error: EvaluationError): void;
}

export function newFlight(
  id: number,
  code: string,
  timeoutMs: number,
  { host }: EvaluateOptions,
  now: () => number,
): Flight {
  const startedAt = now();
  const { promise: ended, resolve } = Promise.withResolvers<Evaluation>();
  const controller = new AbortController();
  const calls: Call[] = [];
  const settled: { readonly call: number; readonly text: string }[] = [];
  let recordedChars = 0;
  let pauses = 0;
  let attempts = 0;
  let isOver = false;
  let send: (message: ToWorker) => void = () => {};

  function end(evaluation: Evaluation): void {
    if (isOver) return;
    isOver = true;
    controller.abort();
    resolve(evaluation);
  }

  async function answer(call: number, name: string, text: string): Promise<void> {
    const reply = await ask(name, text);
    if (isOver) return;
    const written = replyText(reply);
    recordedChars += written.length;
    settled.push({ call, text: written });
    send({ type: "reply", evaluation: id, call, text: written });
  }

  async function ask(name: string, text: string): Promise<HostReply> {
    try {
      const argument = text === "" ? undefined : (JSON.parse(text) as Json);
      return await host(name, argument, { signal: controller.signal, pauseClock });
    } catch (error) {
      // A host does not throw; when it does, the guest learns a message and no stack.
      const { message, hint, code } =
        error instanceof LegionError
          ? error
          : { message: messageOf(error), hint: undefined, code: undefined };
      return {
        ok: false,
        error: { name: "Error", message, ...(code && { code }), ...(hint && { hint }) },
      };
    }
  }

  async function pauseClock<T>(wait: Promise<T>): Promise<T> {
    pauses += 1;
    if (pauses === 1) send({ type: "pause", evaluation: id, isPaused: true });
    try {
      return await wait;
    } finally {
      pauses -= 1;
      if (pauses === 0 && !isOver) send({ type: "pause", evaluation: id, isPaused: false });
    }
  }

  return {
    id,
    code,
    timeoutMs,
    ended,
    isOver: () => isOver,
    launch(sandbox, post) {
      attempts += 1;
      if (attempts > ATTEMPTS_MAX || recordedChars > RECORD_CHARS_MAX) return false;
      send = post;
      post({ type: "evaluate", sandbox, evaluation: id, code, timeoutMs });
      for (const { call, text } of settled) post({ type: "reply", evaluation: id, call, text });
      if (pauses > 0) post({ type: "pause", evaluation: id, isPaused: true });
      return true;
    },
    onCall(call, name, argument) {
      const before = calls[call - 1];
      if (before !== undefined) return before.name === name && before.argument === argument;
      calls.push({ name, argument });
      recordedChars += name.length + argument.length;
      void answer(call, name, argument);
      return true;
    },
    finish(outcome) {
      if (!outcome.ok) return end(outcome);
      const { value, ...rest } = outcome;
      end({ ...rest, value: value === undefined ? undefined : (JSON.parse(value) as Json) });
    },
    fail: (error) =>
      end({
        ok: false,
        error,
        logs: [],
        logsCut: false,
        toolCalls: calls.length,
        durationMs: now() - startedAt,
      }),
  };
}

/** The reply as the guest reads it: only the fields that an error of the host may show. */
function replyText(reply: HostReply): string {
  if (reply.ok) {
    try {
      return JSON.stringify({ ok: true, value: reply.value });
    } catch {
      return JSON.stringify({
        ok: false,
        error: { name: "Error", message: "the answer cannot be written as JSON" },
      });
    }
  }
  const { name, message, code, hint } = reply.error;
  return JSON.stringify({ ok: false, error: { name, message, code, hint } });
}
