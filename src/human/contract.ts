import type { Clock } from "../lib/clock.ts";
import type { ErrorData } from "../lib/errors.ts";
import type { Json } from "../lib/json.ts";
import type { Timers } from "../manifest/watch/timers.ts";
import type { Question, Questions } from "../state/questions.ts";
import type { EventData } from "../telemetry/events.ts";
import type { PeopleRequest } from "../tools/contract.ts";

/** A question of an agent's code; the uid is the agent's, for those who list questions by agent. */
export type AskRequest = PeopleRequest & { readonly uid?: string };

/** A call that a person decides about: because its tool or agent says so, or because nobody knows whether it was made before the process died. */
export interface CallApproval {
  /** `tool.function`. */
  readonly name: string;
  readonly argument: Json;
  readonly why: "required" | "unknown";
  /** Of one attempt of the call: it asks once, also after a restart, and its yes is good for no later attempt. */
  readonly key: string;
  readonly signal: AbortSignal;
  readonly agent: string;
  readonly uid: string;
  readonly run: string;
  readonly timeoutMs: number;
}

export type CallDecision =
  | { readonly approved: true }
  | { readonly approved: false; readonly error: ErrorData };

/** What a person says to a question or an approval. */
export type Decision =
  | { readonly type: "answer"; readonly answer: Json; readonly by: string }
  | { readonly type: "approve"; readonly by: string }
  | { readonly type: "deny"; readonly by: string; readonly reason?: string };

/**
 * Questions and approvals, and who waits for them. A question outlives the process: after a restart the same call asks with the
 * same key, and finds it open or decided.
 *
 * How time runs out: a question has its expiry in wall time. A process that sees it open measures the rest by the clock that never
 * jumps, so a change of the wall clock expires nothing. After a restart the rest is what the wall clock says, at most the whole
 * time again, and at least a minute (or the whole time when that is less): a clock that was set forward while no process ran
 * does not close every question before anyone could answer.
 */
export interface People {
  /** Waits for the answer. Throws LEG2061 when there is none in time, LEG2065 to LEG2067, and LEG1090 for a schema that is none. */
  ask(request: AskRequest): Promise<Json>;
  /**
   * Waits for a yes or a no; no decision in time is a no. Throws LEG2067 when it is not waited for any more: that is neither, and
   * must not be kept as a no, since the run may go on in another process.
   */
  approve(request: CallApproval): Promise<CallDecision>;
  /** Decides an open one; the beginning or end of an id will do where it is the only one. LEG6070, LEG6071, LEG2063, LEG2064. */
  decide(id: string, decision: Decision): Promise<Question>;
  /** The open ones, newest first. */
  pending(): Promise<readonly Question[]>;
  /** Closes what a run still asks: it has ended. */
  withdraw(run: string): Promise<void>;
  /** Takes up what an earlier process left open, so that it expires although its run does not come back. */
  resume(): Promise<void>;
  /** Ends all waiting and the handlers; what is open stays so. */
  close(): Promise<void>;
}

export interface PeopleOptions {
  readonly questions: Questions;
  readonly clock: Clock;
  readonly timers: Timers;
  /** What programs of handlers get a part of. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes known secrets out of what people, handlers and the disk see. */
  readonly redact?: (text: string) => string;
  readonly emit?: TellOfQuestion;
  /** Hears of a handler that failed, and of a question that could not be closed; the question stays open. */
  readonly onWarning?: WarnOfQuestion;
}

export type QuestionEvent = "legion.human.input_required" | "legion.human.input_received";

/** Sends an event of the run that asked. */
export type TellOfQuestion = <K extends QuestionEvent>(
  question: Question,
  kind: K,
  data: EventData[K],
) => void;

export type WarnOfQuestion = (question: Question, error: ErrorData) => void;
