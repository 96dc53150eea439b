import type { Timers } from "../manifest/watch/timers.ts";

/** For so long all turns have to wait until they count as waiting: between two calls one waits for nothing. */
export const STILL_MS = 200;

/** What one turn does outside of its own code. */
export interface TurnActivity {
  /** The turn waits for people, or for other agents. */
  waits<T>(wait: Promise<T>): Promise<T>;
  /** A tool works for the turn. */
  works<T>(work: Promise<T>): Promise<T>;
  /** The turn has ended. */
  end(): void;
}

/** The turns of one process, of agents and of those below them. Whoever ends the process need not wait for turns that only wait for people. */
export interface Activities {
  begin(): TurnActivity;
  /** Resolves when every turn that runs waits for people, or for agents that do; never when the signal is aborted before. */
  allWait(signal: AbortSignal): Promise<void>;
}

interface Doing {
  waits: number;
  works: number;
}

/** No turn runs yet. */
export function createActivities(timers: Timers): Activities {
  const turns = new Set<Doing>();
  const looks = new Set<() => void>();
  const changed = () => {
    for (const look of looks) look();
  };
  const isStill = () =>
    turns.size > 0 && [...turns].every(({ waits, works }) => waits > 0 && works === 0);
  return {
    begin() {
      const doing: Doing = { waits: 0, works: 0 };
      turns.add(doing);
      changed();
      const during = async <T>(what: keyof Doing, promise: Promise<T>): Promise<T> => {
        doing[what] += 1;
        changed();
        try {
          return await promise;
        } finally {
          doing[what] -= 1;
          changed();
        }
      };
      return {
        waits: (wait) => during("waits", wait),
        works: (work) => during("works", work),
        end() {
          turns.delete(doing);
          changed();
        },
      };
    },
    allWait(signal) {
      const { promise, resolve } = Promise.withResolvers<void>();
      let cancel = () => {};
      const look = () => {
        cancel();
        cancel = isStill() ? timers.after(STILL_MS, resolve) : () => {};
      };
      const stop = () => {
        looks.delete(look);
        cancel();
      };
      looks.add(look);
      signal.addEventListener("abort", stop, { once: true });
      void promise.then(stop);
      if (signal.aborted) stop();
      else look();
      return promise;
    },
  };
}
