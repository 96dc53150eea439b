/** Where an evaluation gets the time from. */
export interface BudgetClock {
  readonly now: () => number;
  /** All time so far in which any evaluation of this worker had the engine. */
  readonly heldMs: () => number;
}

/**
 * The time of one evaluation. It is spent while the code runs, and while it waits unless the clock is paused; not while others
 * hold the engine.
 */
export class Budget {
  readonly #clock: BudgetClock;
  readonly #onSpent: () => void;
  #remainingMs: number;
  #waitsSince: { readonly at: number; readonly heldMs: number } | undefined;
  #isPaused = false;
  #timer: NodeJS.Timeout | undefined;
  /** When code that runs now has to stop. */
  stopAt = Number.POSITIVE_INFINITY;

  constructor(timeoutMs: number, clock: BudgetClock, onSpent: () => void) {
    this.#remainingMs = timeoutMs;
    this.#clock = clock;
    this.#onSpent = onSpent;
  }

  /** Runs code; it has what is left. */
  run<Result>(work: (stopAt: number) => Result): Result {
    this.#chargeWait();
    const from = this.#clock.now();
    this.stopAt = from + this.#remainingMs;
    try {
      return work(this.stopAt);
    } finally {
      this.#remainingMs -= this.#clock.now() - from;
    }
  }

  /** Allows the work at hand at least so much time still. */
  grant(ms: number): void {
    this.stopAt = Math.max(this.stopAt, this.#clock.now() + ms);
  }

  /** The code has nothing to do until an answer comes. */
  wait(): void {
    this.#waitsSince = { at: this.#clock.now(), heldMs: this.#clock.heldMs() };
    if (!this.#isPaused)
      this.#timer ??= setTimeout(() => this.#onTimer(), Math.max(0, this.#remainingMs));
  }

  pause(isPaused: boolean): void {
    if (this.#waitsSince === undefined) return;
    this.#chargeWait();
    this.#isPaused = isPaused;
    this.wait();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  /** One timer does for many waits: when it is early, the rest is waited for. */
  #onTimer(): void {
    this.#timer = undefined;
    if (this.#waitsSince === undefined || this.#isPaused) return;
    this.#chargeWait();
    if (this.#remainingMs <= 0) this.#onSpent();
    else this.wait();
  }

  #chargeWait(): void {
    if (this.#waitsSince === undefined) return;
    const { at, heldMs } = this.#waitsSince;
    const othersMs = this.#clock.heldMs() - heldMs;
    if (!this.#isPaused) this.#remainingMs -= Math.max(0, this.#clock.now() - at - othersMs);
    this.#waitsSince = undefined;
  }
}
