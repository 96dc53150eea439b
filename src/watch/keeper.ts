import type { Clock } from "../lib/clock.ts";
import type { JsonObject } from "../lib/json.ts";
import type { Timers } from "../manifest/watch/timers.ts";
import type { Watching } from "../state/watching.ts";

/** What only grew (history, counts) is written this often. */
export const SAVE_EVERY_MS = 5_000;
/** What matters waits this long for more that goes into the same transaction. */
const BATCH_MS = 20;
const SWEEP_MS = 250;
/** Rows that only grew, of one transaction, and the time that making them may take. */
const SWEEP_ROWS_MAX = 100;
const SWEEP_SLICE_MS = 3;
const RETRY_MS = 1_000;
const RETRY_MS_MAX = 60_000;

/** One row as it is now; `written` is called once it is on disk. */
export interface KeptRow {
  readonly state: JsonObject;
  written?(): void;
}

interface Row {
  readonly uid: string;
  readonly row: KeptRow;
}

/** After so many rows that fail one by one, all of a transaction are taken for failed. */
const SINGLE_FAILURES_MAX = 3;

/** Writes the rows of watchers, many in one transaction. Nothing is lost when a write fails: it is made again. */
export class Keeper {
  private readonly parts: {
    readonly states: Watching;
    readonly clock: Clock;
    readonly timers: Timers;
    /** The row of that name as it is now; none when there is nothing to write any more. */
    readonly rowOf: (uid: string) => KeptRow | undefined;
    readonly onError: (error: unknown) => void;
  };
  private readonly urgent = new Set<string>();
  /** When what only grew is to be written, in the order of that. */
  private readonly grown = new Map<string, number>();
  private timer: { readonly dueMs: number; cancel(): void } | undefined;
  private flushing: Promise<void> | undefined;
  private failures = 0;
  /** Rows that the store refused while it took others, and those of them that wait for their next attempt. */
  private readonly refused = new Set<string>();
  private readonly waiting = new Map<string, () => void>();
  private isClosed = false;

  constructor(parts: Keeper["parts"]) {
    this.parts = parts;
  }

  /** Something happened that a restart must know of. */
  soon(uid: string): void {
    if (this.waiting.has(uid)) return;
    this.urgent.add(uid);
    this.arm(BATCH_MS);
  }

  /** Something grew. */
  later(uid: string): void {
    if (this.grown.has(uid) || this.waiting.has(uid)) return;
    this.grown.set(uid, this.parts.clock.monotonic() + SAVE_EVERY_MS);
    this.arm(SWEEP_MS);
  }

  async forget(uid: string): Promise<void> {
    this.urgent.delete(uid);
    this.grown.delete(uid);
    this.refused.delete(uid);
    this.waiting.get(uid)?.();
    this.waiting.delete(uid);
    await this.flushing;
    // A group may have begun again meanwhile.
    if (this.urgent.has(uid) || this.grown.has(uid)) return;
    await this.parts.states.forget(uid);
  }

  /** Writes everything that is not on disk; what cannot be written is told to onError. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.timer?.cancel();
    await this.flushing;
    for (const cancel of this.waiting.values()) cancel();
    for (const uid of [...this.grown.keys(), ...this.waiting.keys()]) this.urgent.add(uid);
    await this.flush();
  }

  private arm(delayMs: number): void {
    if (this.isClosed || this.flushing !== undefined) return;
    const { clock, timers } = this.parts;
    const backoffMs = Math.min(RETRY_MS * 2 ** (this.failures - 1), RETRY_MS_MAX);
    const waitMs = this.failures === 0 ? delayMs : Math.max(delayMs, backoffMs);
    const dueMs = clock.monotonic() + waitMs;
    if (this.timer !== undefined && this.timer.dueMs <= dueMs) return;
    this.timer?.cancel();
    const cancel = timers.after(waitMs, () => {
      this.timer = undefined;
      this.flushing = this.flush()
        .catch(this.parts.onError)
        .finally(() => {
          this.flushing = undefined;
          if (this.urgent.size > 0) this.arm(BATCH_MS);
          else if (this.grown.size > 0) this.arm(SWEEP_MS);
        });
    });
    this.timer = { dueMs, cancel };
  }

  private async flush(): Promise<void> {
    const rows = this.take();
    if (rows.length === 0) return;
    const error = await this.write(rows);
    if (error === undefined) return;
    const left = rows.length === 1 ? rows : await this.writeSingly(rows);
    const isOfStore =
      left.length === rows.length && !rows.every(({ uid }) => this.refused.has(uid));
    if (!isOfStore) return this.putOff(left, error);
    if (this.failures === 0) this.parts.onError(error);
    this.failures += 1;
    for (const { uid } of rows) this.urgent.add(uid);
  }

  /** The store refuses these rows and takes others: they wait, and nothing waits for them. */
  private putOff(rows: readonly Row[], error: unknown): void {
    for (const { uid } of rows) {
      if (!this.refused.has(uid)) this.parts.onError(error);
      this.refused.add(uid);
      if (this.isClosed) continue;
      const cancel = this.parts.timers.after(RETRY_MS_MAX, () => {
        this.waiting.delete(uid);
        this.soon(uid);
      });
      this.waiting.set(uid, cancel);
    }
  }

  /** Writes rows in one transaction; what it failed with, if it did. */
  private async write(rows: readonly Row[]): Promise<unknown> {
    try {
      await this.parts.states.write(rows.map(({ uid, row }) => ({ uid, state: row.state })));
    } catch (error) {
      return error ?? new Error("the rows could not be written");
    }
    this.failures = 0;
    for (const { uid, row } of rows) {
      this.refused.delete(uid);
      row.written?.();
    }
    return undefined;
  }

  /** Writes what can be written when a transaction failed; gives the rest, which is all when the first few fail as well. */
  private async writeSingly(rows: readonly Row[]): Promise<readonly Row[]> {
    const left: Row[] = [];
    for (const [index, row] of rows.entries()) {
      const isHopeless = left.length === index && index >= SINGLE_FAILURES_MAX;
      if (isHopeless || (await this.write([row])) !== undefined) left.push(row);
    }
    return left;
  }

  /** The rows of the next transaction: all that matter, and of what only grew what is due. */
  private take(): Row[] {
    const { clock, rowOf } = this.parts;
    const rows: Row[] = [];
    const add = (uid: string) => {
      this.urgent.delete(uid);
      this.grown.delete(uid);
      const row = rowOf(uid);
      if (row !== undefined) rows.push({ uid, row });
    };
    for (const uid of [...this.urgent]) add(uid);
    const startedMs = clock.monotonic();
    let swept = 0;
    for (const [uid, dueMs] of this.grown) {
      const isOver = clock.monotonic() - startedMs > SWEEP_SLICE_MS;
      if (dueMs > startedMs || swept >= SWEEP_ROWS_MAX || isOver) break;
      add(uid);
      swept += 1;
    }
    return rows;
  }
}
