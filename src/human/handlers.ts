import { type ErrorData, LegionError, messageOf } from "../lib/errors.ts";
import type { Json, JsonObject } from "../lib/json.ts";
import type { Question } from "../state/questions.ts";
import {
  type Handler,
  type HandlerAnswer,
  type HandlerParts,
  handlerOf,
  questionForHandler,
} from "./handler.ts";
import { runCommandHandler } from "./handler-command.ts";
import { runHttpHandler } from "./handler-http.ts";

/** How many handlers run at a time; further ones wait for a place. */
const RUNNING_MAX = 8;

/** Runs the handlers of questions: each question has one run of its handler in a process, however often it is asked for. */
export interface Handlers {
  /** Gives an open question to the handler of its config, if there is one. Returns at once. */
  begin(question: Question, config: JsonObject): void;
  /** Ends the handler of a question that was decided. */
  end(id: string): void;
  close(): Promise<void>;
}

/** No handler runs yet. `answer` decides a question, and throws a LegionError when the answer will not do; `warn` hears of every failure. */
export function createHandlers(
  options: Omit<HandlerParts, "signal"> & {
    readonly answer: (question: Question, readings: readonly Json[]) => Promise<void>;
    readonly warn: (question: Question, error: ErrorData) => void;
  },
): Handlers {
  const { env, timers, answer, warn } = options;
  /** Those of open questions, also when they have done what they can. */
  const known = new Map<string, AbortController>();
  const queue: (() => void)[] = [];
  const working = new Set<Promise<void>>();
  let running = 0;
  let isClosed = false;

  async function handle(question: Question, handler: Handler, signal: AbortSignal): Promise<void> {
    if (running >= RUNNING_MAX) {
      const { promise, resolve } = Promise.withResolvers<void>();
      queue.push(resolve);
      await promise;
    } else running += 1;
    try {
      if (signal.aborted) return;
      const parts = { env, timers, signal };
      const readings = await run(handler, questionForHandler(question), parts);
      if (readings !== undefined && !signal.aborted) await answer(question, readings);
    } catch (error) {
      if (!signal.aborted) warn(question, failure(question, error));
    } finally {
      const next = queue.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  }

  return {
    begin(question, config) {
      const handler = handlerOf(config);
      if (handler === undefined || isClosed || known.has(question.id)) return;
      const controller = new AbortController();
      known.set(question.id, controller);
      const work = handle(question, handler, controller.signal).finally(() => working.delete(work));
      working.add(work);
    },
    end(id) {
      known.get(id)?.abort();
      known.delete(id);
    },
    async close() {
      isClosed = true;
      for (const controller of known.values()) controller.abort();
      known.clear();
      await Promise.all(working);
    },
  };
}

function run(handler: Handler, question: string, parts: HandlerParts): Promise<HandlerAnswer> {
  return handler.type === "command"
    ? runCommandHandler(handler, question, parts)
    : runHttpHandler(handler, question, parts);
}

/** Neither arguments nor addresses nor what came back: each may hold a secret. */
function failure({ id }: Question, error: unknown): ErrorData {
  const what =
    error instanceof LegionError ? `gave no valid answer: ${error.message}` : messageOf(error);
  const message = `the handler of question ${id} ${what}; the question stays open`;
  const hint = `mend spec.config.handler of the tool, or answer it: legion respond ${id} ANSWER`;
  return { code: "LEG2069", message, hint };
}
