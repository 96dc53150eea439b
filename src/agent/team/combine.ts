/**
 * How results of several agents are put together. Code of agents and programs that embed Legion have the same: this file
 * also runs inside the sandbox, so it imports nothing and needs neither timers nor signals.
 */

/** What is done in place of an answer; the same shape wherever one is seen. */
export interface Cancelled {
  readonly status: "cancel";
  readonly reason: string;
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
}

/** Whether something is a cancel and no answer. */
export function isCancel(value: unknown): value is Cancelled {
  if (typeof value !== "object" || value === null) return false;
  const { status, reason, error } = value as Record<string, unknown>;
  if (status !== "cancel" || typeof reason !== "string") return false;
  return typeof error === "object" && error !== null && "code" in error;
}

/** A cancel that others caused: it is no reason of its own. */
const SIBLING_STOPPED = "LEG2093";

export interface ParallelOptions {
  /** The most at once. */
  readonly concurrency: number;
  /** Stops those that run. What has not settled when it resolves is not waited for. */
  readonly stop: () => Promise<unknown>;
  /** Settles when the time for all of them is over, or somebody else stops them. */
  readonly over?: Promise<Cancelled>;
}

interface Slot<R> {
  readonly settled: "yes" | "no" | "failed";
  readonly result?: R | Cancelled;
  readonly error?: unknown;
}

/**
 * Runs thunks, at most `concurrency` at once and begun in order. Gives their results in order, or, as soon as one is
 * cancelled and the others have been stopped, the first cancel in list order that is not one of those stopped. One that
 * throws stops the others too, and its error is thrown.
 */
export async function runParallel<R>(
  thunks: readonly (() => Promise<R | Cancelled> | R | Cancelled)[],
  { concurrency, stop, over }: ParallelOptions,
): Promise<R[] | Cancelled> {
  const slots: Slot<R>[] = thunks.map(() => ({ settled: "no" }));
  let isStopping = false;
  let next = 0;
  let end: (cancelled?: Cancelled) => void = () => {};
  const ended = new Promise<Cancelled | undefined>((resolve) => {
    end = resolve;
  });
  const lane = async (): Promise<void> => {
    while (next < thunks.length && !isStopping) {
      const index = next;
      next += 1;
      slots[index] = await settle(thunks[index]);
      if (isBad(slots[index])) {
        isStopping = true;
        end();
      }
    }
  };
  const lanes: Promise<void>[] = [];
  for (let count = 0; count < Math.min(concurrency, thunks.length); count += 1) lanes.push(lane());
  const all = Promise.all(lanes);
  all.then(() => end());
  over?.then(end);
  const cancelledFromOutside = await ended;
  isStopping = true;
  if (slots.every(({ settled }) => settled === "yes") && !slots.some(isBad))
    return slots.map(({ result }) => result as R);
  await Promise.race([all, stop()]);
  return verdict(slots, cancelledFromOutside);
}

async function settle<R>(
  thunk: (() => Promise<R | Cancelled> | R | Cancelled) | undefined,
): Promise<Slot<R>> {
  try {
    const result = await thunk?.();
    return { settled: "yes", ...(result !== undefined && { result }) };
  } catch (error) {
    return { settled: "failed", error };
  }
}

function isBad<R>(slot: Slot<R> | undefined): boolean {
  return slot?.settled === "failed" || isCancel(slot?.result);
}

function verdict<R>(slots: readonly Slot<R>[], outside: Cancelled | undefined): Cancelled {
  if (outside !== undefined) return outside;
  const failed = slots.find(({ settled }) => settled === "failed");
  if (failed !== undefined) throw failed.error;
  const cancels = slots.map(({ result }) => result).filter(isCancel);
  const own = cancels.find(({ error }) => error.code !== SIBLING_STOPPED) ?? cancels[0];
  if (own === undefined) throw new Error("no result was a cancel");
  return own;
}

/** Runs steps one after the other, each with the result of the one before it; a cancel ends them and is the result. */
export async function runPipeline(
  initial: unknown,
  steps: readonly ((previous: unknown) => unknown)[],
): Promise<unknown> {
  let previous = await initial;
  for (const step of steps) {
    if (isCancel(previous)) return previous;
    previous = await step(previous);
  }
  return previous;
}

/** A task with what came before it beneath. */
export function taskAfter(task: string, previous: unknown): string {
  if (previous === undefined || previous === null) return task;
  return `${task}\n\nThe result of the step before:\n${asText(previous)}`;
}

/** A task as agents read it: text as it is, other values as JSON. */
export function asText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
