import type { TeamLimits } from "../../manifest/generated/agent.ts";

/** A turn that has agents below it. */
export interface Member {
  readonly agent: string;
  readonly limits: TeamLimits;
  /** The turn that started it. */
  readonly above: Member | undefined;
  /** Runs of sub-agents that were begun below it, of all levels. */
  runs: number;
  /** Those that run now and do not wait for agents of their own. */
  running: number;
  /** Shared by the whole tree: who waits for a place, longest first. */
  readonly queue: Waiter[];
}

interface Waiter {
  readonly member: Member;
  readonly admit: () => void;
}

/** A turn as a member of the tree that its parent belongs to, or as the root of its own. */
export function createMember(agent: string, limits: TeamLimits, above?: Member): Member {
  return { agent, limits, above, runs: 0, running: 0, queue: above?.queue ?? [] };
}

/** The member and those above it, nearest first. */
export function chainOf(member: Member): readonly Member[] {
  const chain: Member[] = [];
  for (let each: Member | undefined = member; each !== undefined; each = each.above)
    chain.push(each);
  return chain;
}

/** Which limit one more sub-agent of this turn would break, and whose it is; undefined when it may be started. */
export function brokenLimit(
  member: Member,
): { readonly limit: "maxDepth" | "maxRuns"; readonly of: Member } | undefined {
  const chain = chainOf(member);
  const depth = chain.findIndex(({ limits }, levels) => levels + 1 > limits.maxDepth);
  if (depth >= 0) return { limit: "maxDepth", of: chain[depth] ?? member };
  const full = chain.find(({ runs, limits }) => runs >= limits.maxRuns);
  return full && { limit: "maxRuns", of: full };
}

/**
 * The place of one sub-agent among those that may run at once. While it waits for agents of its own it leaves the place
 * to them: else a tree with one place would wait for itself for ever.
 */
export interface Seat {
  /** The turn that the seat is below. */
  readonly member: Member;
  /** Waits until there is a place; false when the signal was aborted before. */
  take(signal: AbortSignal): Promise<boolean>;
  /** Gives the place to others until the promise has settled. */
  lend<T>(wait: Promise<T>): Promise<T>;
  /** The run has ended. */
  leave(): void;
  /** Resolves when the run has ended. */
  readonly left: Promise<void>;
  /** Ends the run; set by who begins it. */
  stop?: (reason: unknown) => Promise<void>;
  /** Ends the team of the turn that has the seat; set by that team. */
  closeTeam?: (reason: unknown) => Promise<void>;
}

/** A seat below this turn. */
export function createSeat(member: Member): Seat {
  let isHeld = false;
  let isOver = false;
  let lent = 0;

  function release(): void {
    if (!isHeld) return;
    isHeld = false;
    for (const each of chainOf(member)) each.running -= 1;
    admitWaiting(member.queue);
  }

  async function take(signal: AbortSignal): Promise<boolean> {
    if (!(await admitted(member, signal))) return false;
    isHeld = true;
    if (lent > 0 || isOver) release();
    return true;
  }

  const never = new AbortController().signal;
  const left = Promise.withResolvers<void>();
  return {
    member,
    left: left.promise,
    take,
    async lend(wait) {
      lent += 1;
      if (lent === 1) release();
      try {
        return await wait;
      } finally {
        lent -= 1;
        if (lent === 0 && !isOver) await take(never);
      }
    },
    leave() {
      isOver = true;
      release();
      left.resolve();
    },
  };
}

/** Counts one more that runs, now or when there is a place. */
function admitted(member: Member, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const waiter: Waiter = {
      member,
      admit() {
        signal.removeEventListener("abort", giveUp);
        resolve(true);
      },
    };
    const giveUp = () => {
      const index = member.queue.indexOf(waiter);
      if (index >= 0) member.queue.splice(index, 1);
      resolve(false);
    };
    signal.addEventListener("abort", giveUp, { once: true });
    member.queue.push(waiter);
    admitWaiting(member.queue);
  });
}

/** Lets in who waits, longest first, wherever all above have a place left. */
function admitWaiting(queue: Waiter[]): void {
  for (let index = 0; index < queue.length; ) {
    const waiter = queue[index];
    if (waiter === undefined || !hasPlace(waiter.member)) {
      index += 1;
      continue;
    }
    queue.splice(index, 1);
    for (const each of chainOf(waiter.member)) each.running += 1;
    waiter.admit();
  }
}

function hasPlace(member: Member): boolean {
  return chainOf(member).every(({ running, limits }) => running < limits.concurrency);
}
