/** A bound on how much is worked on at once, shared fairly: whoever offers itself again waits behind all others. */
export interface Slots<T> {
  /** Works on the item as soon as there is room; one that waits already keeps its place. */
  offer(item: T): void;
  /** The item does not wait any more. */
  withdraw(item: T): void;
  /** Nothing more is begun. */
  stop(): void;
}

/** Room for so many at once. The work must not reject, and an item must not be offered while it is worked on. */
export function createSlots<T>(max: number, work: (item: T) => Promise<void>): Slots<T> {
  // A set keeps the order in which its items came.
  const waiting = new Set<T>();
  let running = 0;
  let isStopped = false;
  async function take(item: T): Promise<void> {
    waiting.delete(item);
    running += 1;
    await work(item);
    running -= 1;
    fill();
  }
  function fill(): void {
    for (const item of waiting) {
      if (isStopped || running >= max) return;
      void take(item);
    }
  }
  return {
    offer(item) {
      waiting.add(item);
      fill();
    },
    withdraw: (item) => void waiting.delete(item),
    stop: () => {
      isStopped = true;
    },
  };
}
