import type { Clock } from "../../lib/clock.ts";
import type { RunRecord } from "../../state/journal.ts";

/** Entries of one agent; beyond them the oldest two become one. */
const ENTRIES_MAX = 20_000;
/** Spending within this time is one entry. */
const GRAIN_MS = 1_000;

/** What one agent has spent and begun lately. */
export interface AgentLedger {
  spend(tokens: number): void;
  /** Counts what a run has spent in all: one that is gone on with tells again what it had spent before. */
  spendUpTo(run: string, tokens: number): void;
  /** Counts a turn; one that is counted already is not counted again. */
  begin(run: string): void;
  hasBegun(run: string): boolean;
  tokens(sinceMs: number): number;
  turns(sinceMs: number): number;
  /** When the oldest turn since then began. */
  oldestTurn(sinceMs: number): number | undefined;
}

/** The ledgers of the agents of one process. */
export interface Ledgers {
  /** The ledger of an agent; made from its runs on record when it is first asked for. */
  of(uid: string): Promise<AgentLedger>;
}

/** Ledgers that go on from what is on record, where there is a record. */
export function createLedgers(
  clock: Pick<Clock, "now">,
  runsOf?: (uid: string) => Promise<readonly RunRecord[]>,
): Ledgers {
  const ledgers = new Map<string, Promise<AgentLedger>>();
  const open = async (uid: string) => {
    const runs = uid === "" || runsOf === undefined ? [] : await runsOf(uid);
    return createLedger(clock, runs);
  };
  return {
    of(uid) {
      const known = ledgers.get(uid);
      if (known !== undefined) return known;
      const made = open(uid);
      ledgers.set(uid, made);
      // A record that cannot be read now may be read the next time.
      made.catch(() => ledgers.delete(uid));
      return made;
    },
  };
}

interface Entry {
  atMs: number;
  amount: number;
}

/**
 * A ledger that begins with these runs, newest first. Turns that were refused for their number do not count, and one that
 * has done nothing yet is asked like a new one; tokens of runs without an end come when they go on.
 */
export function createLedger(
  clock: Pick<Clock, "now">,
  runs: readonly RunRecord[] = [],
): AgentLedger {
  const oldestFirst = runs.toReversed();
  const tokens: Entry[] = oldestFirst
    .filter((run) => run.tokens > 0)
    .map((run) => ({ atMs: Date.parse(run.endedAt ?? run.startedAt), amount: run.tokens }))
    .sort((a, b) => a.atMs - b.atMs);
  const turns = new Map<string, number>(
    oldestFirst
      .filter(
        ({ reason, status, steps }) =>
          reason !== "rate_limited" && !(status === "running" && steps <= 1),
      )
      .map(({ run, startedAt }) => [run, Date.parse(startedAt)]),
  );
  const counted = new Map<string, number>();
  const since = (sinceMs: number) => [...turns.values()].filter((atMs) => atMs > sinceMs);
  function spend(amount: number): void {
    const atMs = clock.now();
    const last = tokens.at(-1);
    if (last !== undefined && atMs - last.atMs < GRAIN_MS) last.amount += amount;
    else tokens.push({ atMs, amount });
    if (tokens.length > ENTRIES_MAX) merge(tokens);
  }

  return {
    spend,
    spendUpTo(run, total) {
      const before = counted.get(run) ?? 0;
      if (total <= before) return;
      spend(total - before);
      counted.set(run, total);
      if (counted.size > ENTRIES_MAX) counted.delete(counted.keys().next().value ?? "");
    },
    begin(run) {
      if (turns.has(run)) return;
      turns.set(run, clock.now());
      if (turns.size > ENTRIES_MAX) turns.delete(turns.keys().next().value ?? "");
    },
    hasBegun: (run) => turns.has(run),
    tokens: (sinceMs) =>
      tokens.reduce((sum, { atMs, amount }) => (atMs > sinceMs ? sum + amount : sum), 0),
    turns: (sinceMs) => since(sinceMs).length,
    oldestTurn: (sinceMs) => since(sinceMs)[0],
  };
}

function merge(entries: Entry[]): void {
  const [oldest] = entries.splice(0, 1);
  const next = entries[0];
  if (oldest !== undefined && next !== undefined) next.amount += oldest.amount;
}
