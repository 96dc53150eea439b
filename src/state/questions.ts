import type { Json, JsonObject } from "../lib/json.ts";

/** What people are asked: a question of an agent, or whether a call may be made. */
export interface NewQuestion {
  /** ULID. */
  readonly id: string;
  /** Known once in all: asking again with the same key is the same question. */
  readonly key: string;
  readonly type: "question" | "approval";
  readonly uid: string;
  /** `name`, or `namespace/name`. */
  readonly agent: string;
  readonly run: string;
  /** A sentence for people. */
  readonly text: string;
  /** Answers to choose from. */
  readonly choices?: readonly string[];
  /** JSON Schema of the answer. */
  readonly schema?: JsonObject;
  /** Of an approval: `tool.function`, the arguments for people to read, secrets out, and the hash of the canonical arguments. */
  readonly call?: { readonly name: string; readonly argument: Json; readonly hash: string };
  /** Wall time, milliseconds. */
  readonly expiresAtMs: number;
}

/** pending: nobody has answered. expired: nobody did in time; of an approval that is a no. withdrawn: its run has ended. */
export type QuestionState =
  | "pending"
  | "answered"
  | "approved"
  | "denied"
  | "expired"
  | "withdrawn";

export interface Question extends NewQuestion {
  readonly state: QuestionState;
  /** ISO 8601, UTC. */
  readonly askedAt: string;
  readonly decidedAt?: string;
  /** Who decided: a person, `handler`, `timeout`. */
  readonly by?: string;
  readonly answer?: Json;
  /** Why it was denied. */
  readonly reason?: string;
}

/** Questions to people, each decided once. They outlive the process. Failures are LegionErrors with LEG607x. */
export interface Questions {
  /** Keeps a question; one of the same key is given back as it stands. */
  ask(question: NewQuestion): Promise<Question>;
  read(id: string): Promise<Question | undefined>;
  /** Newest first; `pending` only unless told. */
  list(query?: {
    readonly state?: QuestionState | "all";
    readonly uid?: string;
    readonly limit?: number;
  }): Promise<readonly Question[]>;
  /** Decides one that is pending. LEG6070 when there is none of that id (an unambiguous beginning or end of an id will do), LEG6071 when it was decided already. */
  decide(
    id: string,
    decision: {
      readonly state: Exclude<QuestionState, "pending">;
      readonly by: string;
      readonly answer?: Json;
      readonly reason?: string;
    },
  ): Promise<Question>;
  /** Withdraws what a run still asks. */
  withdraw(run: string): Promise<void>;
  /** Called with each question that was asked or decided, once it is on disk. */
  onChange(listener: (question: Question) => void): () => void;
}

/** Questions in one answer of `list`. */
export const QUESTIONS_PAGE = 1_000;
/** Questions of one agent that wait; one more is LEG6072. */
export const QUESTIONS_PENDING_MAX = 1_000;
/** JSON text of one question, bytes; more is LEG6072. */
export const QUESTION_BYTES_MAX = 1024 * 1024;
/** Questions that are kept after they were decided; those of runs that go on always are. */
export const QUESTIONS_KEPT = 10_000;
