/** A few numbers that a thread and the pool share, so that the pool sees what a thread does that does not answer. */
export interface Control {
  readonly buffer: SharedArrayBuffer;
  hold(evaluation: number, untilMs: number): void;
  held(): { readonly evaluation: number; readonly untilMs: number } | undefined;
  requestAbort(evaluation: number): void;
  abortRequested(): number;
}

const BYTES = 16;
const HOLDER = 0;
const ABORT = 1;
/** The moment takes the second half, which is one 8-byte number. */
const UNTIL = 1;
const NOBODY = 0;
const RESTORING = -1;

/** New numbers, or those that lie in a buffer. */
export function newControl(buffer = new SharedArrayBuffer(BYTES)): Control {
  const numbers = new Int32Array(buffer);
  const moments = new Float64Array(buffer);
  return {
    buffer,
    hold(evaluation, untilMs) {
      // The moment is always there before its holder, so a reader never sees a holder with a moment of nobody.
      if (untilMs > 0) moments[UNTIL] = untilMs;
      Atomics.store(numbers, HOLDER, untilMs > 0 ? evaluation || RESTORING : NOBODY);
    },
    held() {
      const evaluation = Atomics.load(numbers, HOLDER);
      return evaluation === NOBODY ? undefined : { evaluation, untilMs: moments[UNTIL] ?? 0 };
    },
    requestAbort: (evaluation) => {
      Atomics.store(numbers, ABORT, evaluation);
    },
    abortRequested: () => Atomics.load(numbers, ABORT),
  };
}

/** The numbers that the pool gave to this thread. */
export function readControl(data: unknown): Control {
  if (data instanceof SharedArrayBuffer) return newControl(data);
  throw new Error("the thread was started without its shared numbers");
}
