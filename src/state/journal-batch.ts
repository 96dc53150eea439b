import { LegionError } from "../lib/errors.ts";
import type { StepType } from "./journal.ts";

/** Where a test of crashes ends the process: called before and after each record is written. */
export interface JournalFailpoint {
  before(type: StepType): void;
  after(type: StepType): void;
}

/** Does work in a transaction. `record` is the type of the journal record that it writes, where it writes one; `onDisk` is called when it is there, before the promise resolves. */
export type WriteSoon = <T>(
  work: () => T,
  record?: StepType,
  onDisk?: (value: T) => void,
) => Promise<T>;

interface Waiting {
  readonly work: () => unknown;
  readonly record: StepType | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Puts all that is to be written in one turn of the event loop in one transaction, with one flush of the disk. Promises
 * settle in the order of the calls. Work that refuses (a LegionError of the journal, thrown before anything is written)
 * fails alone; when anything else fails, nothing of the batch is on disk and all of it rejects. With a failpoint each
 * record has a transaction of its own, so that the process can end between any two of them.
 */
export function batchedWrites(
  write: <T>(work: () => T) => T,
  failpoint: JournalFailpoint | undefined,
): WriteSoon {
  let waiting: Waiting[] = [];
  const flush = () => {
    const batch = waiting;
    waiting = [];
    if (failpoint === undefined) return commit(write, batch);
    for (const one of batch) {
      if (one.record !== undefined) failpoint.before(one.record);
      commit(write, [one]);
      if (one.record !== undefined) failpoint.after(one.record);
    }
  };
  return <T>(work: () => T, record?: StepType, onDisk?: (value: T) => void) => {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    // After all that this turn of the loop brings, and before the loop waits for anything.
    if (waiting.length === 0) setImmediate(flush);
    const settle = (value: unknown) => {
      onDisk?.(value as T);
      resolve(value as T);
    };
    waiting.push({ work, record, resolve: settle, reject });
    return promise;
  };
}

function commit(write: <T>(work: () => T) => T, batch: readonly Waiting[]): void {
  let settle: readonly (() => void)[];
  try {
    settle = write(() => batch.map(done));
  } catch (error) {
    settle = batch.map(
      ({ reject }) =>
        () =>
          reject(error),
    );
  }
  for (const one of settle) one();
}

function done({ work, resolve, reject }: Waiting): () => void {
  try {
    const value = work();
    return () => resolve(value);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return () => reject(error);
  }
}

const refusals: ReadonlySet<string> = new Set([
  "LEG6060",
  "LEG6061",
  "LEG6062",
  "LEG6063",
  "LEG6064",
  "LEG6065",
]);

function isRefusal(error: unknown): boolean {
  return error instanceof LegionError && refusals.has(error.code);
}
