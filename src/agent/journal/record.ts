import { LegionError } from "../../lib/errors.ts";
import type { Json, JsonObject } from "../../lib/json.ts";
import { headBytes } from "../../lib/text.ts";
import type { StepType } from "../../state/journal.ts";
import type { TurnJournal } from "../contract.ts";
import {
  type Past,
  type PastCall,
  type PastEvaluation,
  type PastResponse,
  pastOf,
  type StepData,
} from "./past.ts";

/** What is shown of a recorded step in an error, bytes. */
const SHOWN_BYTES_MAX = 200;

/** The record of one turn: serves what an earlier process has done, then takes what this one does. */
export interface TurnRecord {
  /** Whether there is a record at all: without one nothing of the turn outlives the process. */
  readonly isKept: boolean;
  /** Whether all that the loop had done one after the other is served. */
  readonly isLive: boolean;
  /** The recorded answer of the model; undefined when it is to be asked. Throws LEG2100 when the record goes on with something else. */
  response(): PastResponse | undefined;
  /** The evaluation of this code on record; undefined when none was begun. Throws LEG2100 when the record has another one here. */
  evaluation(code: string): PastEvaluation | undefined;
  /** A call outside of code on record; undefined when it was not asked for. Throws LEG2100 when that was another one. */
  call(key: string, name: string, argument: Json | undefined): PastCall | undefined;
  /** Says that the turn ends here. Throws LEG2100 when the record goes on. */
  over(): void;
  /** Writes the next step: on disk when the promise resolves. A failure ends the turn without an end on record. */
  append<T extends keyof StepData>(type: T, data: StepData[T]): Promise<void>;
  /**
   * Writes the next step without waiting for the disk: for steps after which nothing is done outside before another one is
   * written. They go into one transaction with it, or an earlier one.
   */
  soon<T extends keyof StepData>(type: T, data: StepData[T]): void;
  /** Resolves when all that was written soon is on disk; rejects when it is not. */
  settled(): Promise<void>;
  /** Why a step could not be written. */
  readonly failure: unknown;
}

/** The record of a run over its journal; without one it serves and keeps nothing. */
export function openRecord(
  run: string,
  journal: TurnJournal | undefined,
  onFailure: (error: unknown) => void,
): TurnRecord {
  const past: Past = journal === undefined ? { items: [], calls: new Map() } : pastOf(journal.past);
  const writer = writerOf(journal, onFailure);
  let next = 0;

  function serve(type: "model.response" | "eval.started", actual: string) {
    const item = past.items[next];
    if (item === undefined) return undefined;
    if (item.type !== type) throw diverged(run, item.seq, shownItem(item), actual);
    next += 1;
    return item;
  }

  return {
    isKept: journal !== undefined,
    get isLive() {
      return next >= past.items.length;
    },
    response() {
      return serve("model.response", "a request to the model") as PastResponse | undefined;
    },
    evaluation(code) {
      const actual = `an evaluation of ${shown(code)}`;
      const item = serve("eval.started", actual) as PastEvaluation | undefined;
      if (item !== undefined && item.code !== code)
        throw diverged(run, item.seq, shownItem(item), actual);
      return item;
    },
    call(key, name, argument) {
      const call = past.calls.get(key);
      const actual = shownCall(name, argument);
      if (call !== undefined) {
        const recorded = shownCall(call.name, call.argument);
        const isSame = call.name === name && textOf(call.argument) === textOf(argument);
        if (!isSame) throw diverged(run, call.seq, recorded, actual);
        return call;
      }
      const item = past.items[next];
      if (item !== undefined) throw diverged(run, item.seq, shownItem(item), actual);
      return undefined;
    },
    over() {
      const item = past.items[next];
      if (item !== undefined) throw diverged(run, item.seq, shownItem(item), "the end of the turn");
    },
    append: writer.append,
    soon: writer.soon,
    settled: writer.settled,
    get failure() {
      return writer.failure;
    },
  };
}

type Writer = Pick<TurnRecord, "append" | "soon" | "settled" | "failure">;

function writerOf(journal: TurnJournal | undefined, onFailure: (error: unknown) => void): Writer {
  let failure: unknown;
  let pending: Promise<void> = Promise.resolve();

  async function append(type: StepType, data: unknown): Promise<void> {
    if (journal === undefined) return;
    try {
      await journal.append(type, data as JsonObject);
    } catch (error) {
      failure ??= error;
      onFailure(error);
      throw error;
    }
  }

  return {
    append,
    soon(type, data) {
      pending = append(type, data);
      // Whoever waits for it hears of the error; the turn ends by it in any case.
      pending.catch(() => {});
    },
    settled: () => pending,
    get failure() {
      return failure;
    },
  };
}

/** Whether an error is that the turn does something else than its record. */
export function isDivergence(error: unknown): error is LegionError {
  return error instanceof LegionError && error.code === "LEG2100";
}

/** The error of a run that does something else than its record says. */
export function diverged(run: string, seq: number, recorded: string, actual: string): LegionError {
  return new LegionError({
    code: "LEG2100",
    message: `run ${run} does something else than its record: step ${seq} is ${recorded}, and now it is ${actual}`,
    hint: "its calls are on record (`legion runs show`): look what was done, then send the task again",
  });
}

/** The error of code that makes other calls than its record says. */
export function evaluationDiverged(run: string, seq: number, message: string): LegionError {
  return diverged(run, seq, "an evaluation with its calls", `another one: ${message}`);
}

function shownItem(item: PastResponse | PastEvaluation): string {
  return item.type === "model.response"
    ? "an answer of the model"
    : `an evaluation of ${shown(item.code)}`;
}

function shownCall(name: string, argument: Json | undefined): string {
  return `a call ${shown(`${name}(${textOf(argument)})`)}`;
}

function shown(text: string): string {
  const head = headBytes(text.replaceAll(/\s+/g, " "), SHOWN_BYTES_MAX);
  return `\`${head}${head.length < text.length ? "…" : ""}\``;
}

function textOf(argument: Json | undefined): string {
  return argument === undefined ? "" : JSON.stringify(argument);
}
