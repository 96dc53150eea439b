import { type ErrorData, errorData, LegionError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import type { NewQuestion, Question } from "../state/questions.ts";
import { requireSame } from "./approvals.ts";
import type { PeopleOptions } from "./contract.ts";
import { LISTED_MAX } from "./decide.ts";
import { createOpenQuestions, notWaited } from "./open-questions.ts";

/** How many questions and approvals of one run are waited for at a time. */
export const WAITING_MAX = 32;
/** The longest time that a question is open: a year. */
const OPEN_MS_MAX = 366 * 86_400_000;

/** A question before it has an id and an expiry. */
export type Asked = Omit<NewQuestion, "id" | "expiresAtMs"> & { readonly timeoutMs: number };

/** Questions of the store together with who waits for them in this process. */
export interface AskedQuestions {
  /** Asks, or finds what was asked under the key, calls `begin` with it while it is open, and waits until it is decided. */
  decided(
    asked: Asked,
    signal: AbortSignal,
    begin?: (question: Question) => void,
  ): Promise<Question>;
  withdraw(run: string): Promise<void>;
  resume(): Promise<void>;
  close(): void;
}

type Options = Pick<PeopleOptions, "questions" | "clock" | "timers"> & {
  /** Called with each question that was asked or decided. */
  readonly hear: (question: Question) => void;
  readonly warn: (question: Question, error: ErrorData) => void;
};

/** Waits for questions of a store, and closes those whose time is over. */
export function createAskedQuestions({
  questions,
  clock,
  timers,
  hear,
  warn,
}: Options): AskedQuestions {
  const open = createOpenQuestions({ clock, timers, expire: (question) => void expire(question) });
  const within = limitPerRun();
  let isClosed = false;
  const stopListening = questions.onChange((question) => {
    if (question.state === "pending") open.add(question);
    else open.settle(question);
    hear(question);
  });

  async function expire(question: Question): Promise<void> {
    try {
      await questions.decide(question.id, { state: "expired", by: "timeout" });
    } catch (error) {
      if (!(error instanceof LegionError && error.code === "LEG6071")) {
        warn(question, errorData(error));
      }
      await settleStored(question);
    }
  }

  /** What the store says counts: a decision may have come without this process having heard of it. */
  async function settleStored(question: Question): Promise<void> {
    try {
      const stored = await questions.read(question.id);
      // One that is not there any more will never be decided.
      open.settle(stored ?? { ...question, state: "withdrawn" });
    } catch (error) {
      warn(question, errorData(error));
    }
  }

  return {
    decided: (asked, signal, begin) =>
      within(asked.run, async () => {
        const wanted = newQuestion(asked, clock.now());
        if (isClosed || signal.aborted) throw notWaited(wanted);
        const question = await questions.ask(wanted);
        requireSame(question, wanted);
        if (question.state !== "pending") return question;
        begin?.(question);
        // Whoever waits is known before the store is looked at once more, so that no decision slips through.
        const end = open.wait(question, signal);
        await Promise.race([end, settleStored(question)]);
        return end;
      }),
    async withdraw(run) {
      await questions.withdraw(run);
      const left = open.list().filter((question) => question.run === run);
      await Promise.all(left.map(settleStored));
    },
    async resume() {
      for (const question of await questions.list({ state: "pending", limit: LISTED_MAX }))
        open.add(question);
    },
    close() {
      isClosed = true;
      stopListening();
      open.close();
    },
  };
}

function newQuestion({ timeoutMs, ...asked }: Asked, nowMs: number): NewQuestion {
  const expiresAtMs = Math.ceil(nowMs + Math.min(timeoutMs, OPEN_MS_MAX));
  return { ...asked, id: newId(nowMs), expiresAtMs };
}

/** Runs work of a run while no more than a limited number of others of the same run go on. Rejects with LEG2066 otherwise. */
function limitPerRun(): <T>(run: string, work: () => Promise<T>) => Promise<T> {
  const working = new Map<string, number>();
  return async (run, work) => {
    const before = working.get(run) ?? 0;
    if (before >= WAITING_MAX) throw tooMany();
    working.set(run, before + 1);
    try {
      return await work();
    } finally {
      const after = (working.get(run) ?? 1) - 1;
      if (after > 0) working.set(run, after);
      else working.delete(run);
    }
  };
}

function tooMany(): LegionError {
  return new LegionError({
    code: "LEG2066",
    message: `the run waits for ${WAITING_MAX} answers of people already`,
    hint: "await them before asking more, or put several questions into one",
  });
}
