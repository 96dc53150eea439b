/** Wakes those who wait for something to become true. */
export interface Bell {
  /** Something may be true now that was not. */
  ring(): void;
  until(isTrue: () => boolean): Promise<void>;
}

/** A bell that nobody waits for costs nothing. */
export function createBell(): Bell {
  const listeners = new Set<() => void>();
  return {
    ring() {
      for (const listener of listeners) listener();
    },
    async until(isTrue) {
      while (!isTrue()) {
        const { promise, resolve } = Promise.withResolvers<void>();
        listeners.add(resolve);
        await promise;
        listeners.delete(resolve);
      }
    },
  };
}
