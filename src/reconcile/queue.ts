import { createDelays, type DelayOptions, type Delays } from "./delays.ts";

/** How one piece of work ended: `again` comes back after a time, `retry` after a pause that grows with each time. */
export type WorkOutcome =
  | { readonly type: "done" }
  | { readonly type: "again"; readonly afterMs: number }
  | { readonly type: "retry" };

export interface QueueOptions extends DelayOptions {
  /** Works on a key, never twice at once on the same. A rejection is told and retried. */
  readonly work: (key: string) => Promise<WorkOutcome>;
  readonly onError: (error: unknown, key: string) => void;
  /** A piece of work has ended. */
  readonly onEnd?: (key: string) => void;
  /** Keys that are worked on at once. */
  readonly concurrency?: number;
}

/** Keys that wait for work. A key stands in it once, however often it was added. */
export interface WorkQueue {
  /** Work on it as soon as possible; once more afterwards when it is being worked on. */
  add(key: string): void;
  /** Work on it then; the earliest of several moments counts. */
  addAfter(key: string, ms: number): void;
  /** Work on it after its pause. */
  retry(key: string): void;
  /** Let its next pause be the first one again. */
  forget(key: string): void;
  /** Whether it waits for a free hand or is being worked on; a key that waits for a moment does not. */
  isBusy(key: string): boolean;
  /** Whether no key is. */
  readonly isIdle: boolean;
  /** Begins nothing any more, and resolves when what was begun has ended. */
  close(): Promise<void>;
}

const CONCURRENCY = 16;
/** Pieces of work that are begun before timers, sockets and disks get their turn on this thread. */
const BURST = 256;

/** A keyed, de-duplicating work queue with a pause per key. */
export function createQueue(options: QueueOptions): WorkQueue {
  const waiting = new Set<string>();
  const delays = createDelays(options, add);
  const runner = createRunner(options, waiting, (key, outcome) => settle(key, outcome, delays));
  let isClosed = false;

  function add(key: string): void {
    if (isClosed) return;
    delays.cancel(key);
    waiting.add(key);
    runner.start();
  }

  function addAfter(key: string, ms: number): void {
    if (!isClosed && !waiting.has(key)) delays.after(key, ms);
  }

  function settle(key: string, outcome: WorkOutcome, { failed, forget }: Delays): void {
    if (outcome.type !== "retry") forget(key);
    if (waiting.has(key)) {
      if (outcome.type === "retry") failed(key);
    } else if (outcome.type === "retry") retry(key);
    else if (outcome.type === "again") addAfter(key, outcome.afterMs);
  }

  function retry(key: string): void {
    if (!isClosed && !waiting.has(key)) delays.afterFailure(key);
  }

  return {
    add,
    addAfter,
    retry,
    forget: delays.forget,
    isBusy: (key) => waiting.has(key) || runner.running.has(key),
    get isIdle() {
      return waiting.size === 0 && runner.running.size === 0;
    },
    close() {
      isClosed = true;
      waiting.clear();
      delays.cancelAll();
      return runner.idle();
    },
  };
}

interface Runner {
  readonly running: ReadonlySet<string>;
  /** Soon begins what waits, as far as there are free hands. */
  start(): void;
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
}

/** Works on what waits, each key by itself: one that is added while it runs goes on waiting until that has ended. */
function createRunner(
  { work, onError, onEnd, concurrency = CONCURRENCY }: QueueOptions,
  waiting: Set<string>,
  settle: (key: string, outcome: WorkOutcome) => void,
): Runner {
  const running = new Set<string>();
  const idlers: (() => void)[] = [];
  let isScheduled = false;
  let begun = 0;

  function start(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      begun = 0;
      begin();
    });
  }

  function begin(): void {
    for (const key of waiting) {
      if (running.size >= concurrency) return;
      if (begun >= BURST) {
        start();
        return;
      }
      if (running.has(key)) continue;
      begun += 1;
      waiting.delete(key);
      void run(key);
    }
  }

  async function run(key: string): Promise<void> {
    running.add(key);
    const outcome = await worked(key);
    running.delete(key);
    settle(key, outcome);
    onEnd?.(key);
    if (waiting.size > 0) begin();
    if (running.size === 0) for (const idler of idlers.splice(0)) idler();
  }

  async function worked(key: string): Promise<WorkOutcome> {
    try {
      return await work(key);
    } catch (error) {
      onError(error, key);
      return { type: "retry" };
    }
  }

  return {
    running,
    start,
    async idle() {
      if (running.size === 0) return;
      await new Promise<void>((resolve) => idlers.push(resolve));
    },
  };
}
