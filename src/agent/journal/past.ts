import type { Json } from "../../lib/json.ts";
import type { Completion } from "../../router/contract.ts";
import type { Evaluation, EvaluationPast, HostError, Readings } from "../../sandbox/contract.ts";
import type { JournalStep } from "../../state/journal.ts";

/** What a call came to, as it is recorded: for code the fields that it catches, for a model in mode tools all of the error. */
export type CallReply =
  | { readonly ok: true; readonly value?: Json | undefined }
  | {
      readonly ok: false;
      readonly error: HostError & {
        readonly valid?: readonly string[];
        readonly example?: string;
      };
    };

/** One call on record. */
export interface PastCall {
  readonly seq: number;
  /** Known once in all: `<run>/<evaluation>.<call>`. */
  readonly key: string;
  /** `tool.function`, or the name of a function that all code has. */
  readonly name: string;
  readonly argument: Json | undefined;
  readonly readings: Readings;
  /** How often it was begun; 0 for one that only waited for its approval. */
  begun: number;
  reply?: CallReply;
}

/** One evaluation on record, whole or up to where its process died. */
export interface PastEvaluation {
  readonly type: "eval.started";
  readonly seq: number;
  readonly number: number;
  readonly code: string;
  readonly seed: string;
  /** In the order in which the code made them. */
  readonly calls: PastCall[];
  /** In the order in which the code got them. */
  readonly answers: { readonly call: number; readonly reply: CallReply }[];
  result?: { readonly seq: number; readonly evaluation: Evaluation };
}

/** One answer of a model on record. */
export interface PastResponse {
  readonly type: "model.response";
  readonly seq: number;
  readonly completion: Extract<Completion, { ok: true }>;
}

/** The steps of a run, put together: what the loop did one after the other, and the calls outside of code by their keys. */
export interface Past {
  readonly items: readonly (PastResponse | PastEvaluation)[];
  readonly calls: ReadonlyMap<string, PastCall>;
}

/** The data of steps, as the loop writes them. */
export interface StepData {
  "model.response": { readonly completion: Completion };
  "eval.started": { readonly eval: number; readonly code: string; readonly seed: string };
  /** A call as it was asked for, with all of it; when it is begun after that, only with its key. */
  "call.started": {
    readonly key: string;
    readonly eval?: number;
    readonly call?: number;
    readonly name?: string;
    readonly argument?: Json;
    readonly readings?: Readings;
    /** It is not begun with this step: a person is asked first. */
    readonly awaits?: "approval";
    /** Of a native call: what the model named it by. */
    readonly id?: string;
  };
  "call.result": { readonly key: string; readonly reply: CallReply; readonly isUnknown?: true };
  "eval.result": { readonly eval: number; readonly evaluation: Evaluation };
}

/** Puts the steps of a run together. Steps that it does not know are left out. */
export function pastOf(steps: readonly JournalStep[]): Past {
  const items: (PastResponse | PastEvaluation)[] = [];
  const evaluations = new Map<number, PastEvaluation>();
  const inEvaluation = new Map<string, { readonly of: PastEvaluation; readonly call: number }>();
  const known = new Map<string, PastCall>();
  const outside = new Map<string, PastCall>();
  const take: { [K in keyof StepData]: (data: StepData[K], seq: number) => void } = {
    "model.response"({ completion }, seq) {
      if (completion.ok) items.push({ type: "model.response", seq, completion });
    },
    "eval.started"({ eval: number, code, seed }, seq) {
      const started: PastEvaluation = {
        ...{ type: "eval.started", seq, number, code, seed },
        ...{ calls: [], answers: [] },
      };
      evaluations.set(number, started);
      items.push(started);
    },
    "call.started"({ key, eval: number = 0, name, argument, readings = "", awaits }, seq) {
      const before = known.get(key);
      if (before !== undefined) {
        before.begun += 1;
        return;
      }
      if (name === undefined) return;
      const begun = awaits === undefined ? 1 : 0;
      const call: PastCall = { seq, key, name, argument, readings, begun };
      known.set(key, call);
      const evaluation = evaluations.get(number);
      if (evaluation === undefined) {
        outside.set(key, call);
        return;
      }
      inEvaluation.set(key, { of: evaluation, call: evaluation.calls.push(call) });
    },
    "call.result"({ key, reply }) {
      const call = known.get(key);
      if (call === undefined) return;
      call.reply = reply;
      const place = inEvaluation.get(key);
      place?.of.answers.push({ call: place.call, reply });
    },
    "eval.result"({ eval: number, evaluation }, seq) {
      const started = evaluations.get(number);
      if (started !== undefined) started.result = { seq, evaluation };
    },
  };
  for (const { seq, type, data } of steps) {
    const taken = take[type as keyof StepData] as
      | ((data: unknown, seq: number) => void)
      | undefined;
    taken?.(data, seq);
  }
  return { items, calls: outside };
}

/** How far an evaluation had come, as the sandbox takes it; of one that has ended also the times after its last call. */
export function evaluationPast({ calls, answers, result }: PastEvaluation): EvaluationPast {
  return {
    calls: calls.map(({ name, argument, readings }) => ({
      name,
      argument: argument === undefined ? "" : JSON.stringify(argument),
      readings,
    })),
    answers: answers.map(({ call, reply }) => ({
      call,
      reply: reply.ok ? { ok: true, value: reply.value } : reply,
    })),
    ...(result !== undefined && { tail: result.evaluation.readings }),
  };
}
