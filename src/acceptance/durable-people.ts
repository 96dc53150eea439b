import { LegionError } from "../lib/errors.ts";
import type { DaemonPlane } from "../reconcile/contract.ts";
import type { Question } from "../state/questions.ts";
import type { TestDaemon } from "../testing/daemon.ts";

/** So long a question is waited for. */
const OPEN_MS = 30_000;

export type Decision = Parameters<DaemonPlane["decide"]>[1];

/** Decides all that people are asked, from now on; what is open already too. */
export interface Deciding extends AsyncDisposable {
  /** In the order in which they were decided. */
  readonly decided: readonly Question[];
}

/** Somebody who decides each question at once. A daemon that is killed ends it. */
export function decideAll(
  plane: DaemonPlane,
  decide: (question: Question) => Decision | undefined,
): Deciding {
  const ended = new AbortController();
  const decided: Question[] = [];
  const working = work().catch((error: unknown) => {
    // Questions of a daemon that is dead are for the next one.
    if (!ended.signal.aborted && !isLost(error)) throw error;
  });
  working.catch(() => {});

  async function one(question: Question): Promise<void> {
    const decision = decide(question);
    if (decision === undefined || decided.some(({ id }) => id === question.id)) return;
    decided.push(question);
    await plane.decide(question.id, decision);
  }

  async function work(): Promise<void> {
    for (const question of await plane.questions({ state: "pending" })) await one(question);
    for await (const { kind } of plane.events({ follow: true, about: "run" }, ended.signal)) {
      if (kind !== "legion.human.input_required") continue;
      for (const question of await plane.questions({ state: "pending" })) await one(question);
    }
  }

  return {
    decided,
    async [Symbol.asyncDispose]() {
      ended.abort();
      await working;
    },
  };
}

/** The only question that is open, once there is one. Events of the daemon before are remembered too, and tell nothing of now. */
export async function openQuestion({ plane }: TestDaemon): Promise<Question> {
  let asked = await plane.questions({ state: "pending" });
  const stop = new AbortController();
  const limit = AbortSignal.any([stop.signal, AbortSignal.timeout(OPEN_MS)]);
  if (asked.length === 0) {
    for await (const { kind } of plane.events({ follow: true, about: "run" }, limit)) {
      if (kind !== "legion.human.input_required") continue;
      asked = await plane.questions({ state: "pending" });
      if (asked.length > 0) stop.abort();
    }
  }
  const [question, ...more] = asked;
  if (question === undefined || more.length > 0)
    throw new Error(`${asked.length} questions are open: ${JSON.stringify(asked)}`);
  return question;
}

/** The daemon is not there, ends, or went away in the middle of an answer. */
const lost: ReadonlySet<unknown> = new Set(["LEG8001", "LEG8003", "LEG8004"]);

export function isLost(error: unknown): boolean {
  return error instanceof LegionError && lost.has(error.code);
}
