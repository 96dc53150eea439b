import type { Clock } from "../lib/clock.ts";
import { LegionError } from "../lib/errors.ts";
import type { Timers } from "../manifest/watch/timers.ts";
import type { Question } from "../state/questions.ts";

/** What a question that an earlier process left open has at least. */
const REST_MS_MIN = 60_000;
/** The longest delay of a timer. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** For how long a question is open yet, as the present process is to measure it. */
export function restMs(
  { askedAt, expiresAtMs }: Pick<Question, "askedAt" | "expiresAtMs">,
  nowMs: number,
): number {
  const wholeMs = Math.max(0, expiresAtMs - Date.parse(askedAt));
  return Math.min(wholeMs, Math.max(expiresAtMs - nowMs, REST_MS_MIN));
}

interface Open {
  readonly question: Question;
  readonly waiting: Set<Waiting>;
  stopTimer: () => void;
}

interface Waiting {
  readonly settle: (question: Question) => void;
  readonly fail: (error: LegionError) => void;
}

/** The open questions that this process knows, their time, and who waits for them. */
export interface OpenQuestions {
  /** Measures the time of an open one from now on; one that is known goes on. */
  add(question: Question): void;
  /** Tells whoever waits for a question what was decided, and forgets it. */
  settle(question: Question): void;
  /** Waits until it is decided. Rejects with LEG2067 when the signal is aborted or all is closed. */
  wait(question: Question, signal: AbortSignal): Promise<Question>;
  list(): readonly Question[];
  close(): void;
}

/** No question is known yet. `expire` is called with each whose time is over, at first when it is, then until it is settled. */
export function createOpenQuestions(options: {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly expire: (question: Question) => void;
}): OpenQuestions {
  const { clock, timers, expire } = options;
  const open = new Map<string, Open>();
  let isClosed = false;

  function arm(entry: Open, endsAtMs: number): void {
    const leftMs = endsAtMs - clock.monotonic();
    entry.stopTimer = timers.after(Math.min(Math.max(0, leftMs), TIMER_MS_MAX), () => {
      if (clock.monotonic() < endsAtMs) return arm(entry, endsAtMs);
      // A store that cannot write now may be able to later.
      arm(entry, clock.monotonic() + REST_MS_MIN);
      expire(entry.question);
    });
  }

  function add(question: Question): void {
    if (isClosed || question.state !== "pending" || open.has(question.id)) return;
    const entry: Open = { question, waiting: new Set(), stopTimer: () => {} };
    open.set(question.id, entry);
    arm(entry, clock.monotonic() + restMs(question, clock.now()));
  }

  return {
    add,
    settle(question) {
      const entry = open.get(question.id);
      if (entry === undefined || question.state === "pending") return;
      open.delete(question.id);
      entry.stopTimer();
      for (const { settle } of entry.waiting) settle(question);
    },
    wait(question, signal) {
      add(question);
      const entry = open.get(question.id);
      if (entry === undefined || signal.aborted) return Promise.reject(notWaited(question));
      const { promise, resolve, reject } = Promise.withResolvers<Question>();
      const waiting: Waiting = { settle: resolve, fail: reject };
      const stop = () => reject(notWaited(question));
      entry.waiting.add(waiting);
      signal.addEventListener("abort", stop, { once: true });
      return promise.finally(() => {
        entry.waiting.delete(waiting);
        signal.removeEventListener("abort", stop);
      });
    },
    list: () => [...open.values()].map(({ question }) => question),
    close() {
      isClosed = true;
      for (const { question, waiting, stopTimer } of open.values()) {
        stopTimer();
        for (const { fail } of waiting) fail(notWaited(question));
      }
      open.clear();
    },
  };
}

export function notWaited({ id }: Pick<Question, "id">): LegionError {
  return new LegionError({
    code: "LEG2067",
    message: `question ${id} is not waited for any more`,
    hint: "await the answer before the code ends",
  });
}
