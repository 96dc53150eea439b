/** A bound on how much is worked on at once, shared fairly: groups take turns, and so do the items of each. */
export interface Slots<T> {
  /** Works on the item as soon as there is room; one that waits already keeps its place. */
  offer(item: T): void;
  /** The item does not wait any more. */
  withdraw(item: T): void;
  /** Nothing more is begun. */
  stop(): void;
}

/** Room for so many at once. The work must not reject, and an item must not be offered while it is worked on. */
export function createSlots<T>(
  max: number,
  groupOf: (item: T) => unknown,
  work: (item: T) => Promise<void>,
): Slots<T> {
  // Maps and sets keep the order in which their items came.
  const waiting = new Map<unknown, Set<T>>();
  let running = 0;
  let isStopped = false;
  async function take(item: T): Promise<void> {
    running += 1;
    await work(item);
    running -= 1;
    fill();
  }
  /** The first item of the first group, which then waits behind all others. */
  function next(): T | undefined {
    for (const [group, items] of waiting) {
      const [item] = items;
      if (item === undefined) continue;
      withdraw(item);
      waiting.delete(group);
      if (items.size > 0) waiting.set(group, items);
      return item;
    }
    return undefined;
  }
  function withdraw(item: T): void {
    const group = groupOf(item);
    const items = waiting.get(group);
    if (items?.delete(item) && items.size === 0) waiting.delete(group);
  }
  function fill(): void {
    while (!isStopped && running < max) {
      const item = next();
      if (item === undefined) return;
      void take(item);
    }
  }
  return {
    offer(item) {
      const group = groupOf(item);
      const items = waiting.get(group);
      if (items === undefined) waiting.set(group, new Set([item]));
      else items.add(item);
      fill();
    },
    withdraw,
    stop: () => {
      isStopped = true;
    },
  };
}
