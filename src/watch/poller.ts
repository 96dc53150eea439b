import type { Clock } from "../lib/clock.ts";
import type { Timers } from "../manifest/watch/timers.ts";
import type { WatchSource } from "./contract.ts";
import { type Look, type LookEnd, lookAt } from "./look.ts";
import type { WatcherPlan } from "./plan.ts";
import { dueMs, type Grid, spreadMs, tickAfter } from "./schedule.ts";

/** Looks at one source at the moments of a grid, never twice at once. */
export class Poller {
  private readonly parts: {
    readonly clock: Clock;
    readonly timers: Timers;
    /** What a look brought. */
    readonly take: (end: LookEnd) => void;
    /** A look has let go of its source, and what that gave was not taken. */
    readonly lost: (source: WatchSource) => void;
    /** A moment came while the look before was not over. */
    readonly skipped: () => void;
    readonly onError: (error: unknown) => void;
  };
  private grid: Grid | undefined;
  private timeoutMs = 0;
  private source: WatchSource | undefined;
  private cancelTick: (() => void) | undefined;
  /** The look that has not let go of its source. */
  private looking: Look | undefined;
  /** The look whose end is still wanted. */
  private wanted: Look | undefined;
  private closing: Promise<void> = Promise.resolve();

  constructor(parts: Poller["parts"]) {
    this.parts = parts;
  }

  get isOn(): boolean {
    return this.grid !== undefined;
  }

  /** Begins a grid of its own: the first look comes soon. */
  begin(plan: WatcherPlan, source: WatchSource): void {
    this.cancelTick?.();
    const { uid, intervalMs, jitterMs, key } = plan;
    const startMs = this.parts.clock.monotonic() + spreadMs(uid, intervalMs);
    this.grid = { startMs, intervalMs, jitterMs, seed: `${key.namespace}/${key.name}` };
    this.timeoutMs = plan.timeoutMs;
    this.source = source;
    this.wait(this.grid, 0);
  }

  /** Looks no more; the look that goes on is given up. */
  end(): void {
    this.cancelTick?.();
    this.grid = undefined;
    this.discard();
  }

  /** Gives up the look that goes on, and closes a source once it is free. */
  discard(source?: WatchSource): void {
    this.wanted = undefined;
    this.looking?.abort();
    if (source?.close === undefined) return;
    const free = Promise.all([this.closing, this.looking?.settled]);
    this.closing = free.then(() => source.close?.()).catch(this.parts.onError);
  }

  /** Resolves when all sources that were given up are closed. */
  settled(): Promise<void> {
    return this.closing;
  }

  private wait(grid: Grid, tick: number): void {
    const { clock, timers } = this.parts;
    const waitMs = Math.max(0, dueMs(grid, tick) - clock.monotonic());
    this.cancelTick = timers.after(waitMs, () => {
      this.wait(grid, tickAfter(grid, tick, clock.monotonic()));
      if (this.looking === undefined) this.look();
      else this.parts.skipped();
    });
  }

  private look(): void {
    const source = this.source;
    if (source === undefined) return;
    const look = lookAt(source, this.timeoutMs, this.parts);
    this.looking = look;
    this.wanted = look;
    let isTaken = false;
    void look.ended.then((end) => {
      if (this.wanted !== look) return;
      this.wanted = undefined;
      isTaken = !end.isLeft;
      try {
        this.parts.take(end);
      } catch (error) {
        this.parts.onError(error);
      }
    });
    void look.settled.then(() => {
      this.looking = undefined;
      if (!isTaken) this.parts.lost(source);
    });
  }
}
