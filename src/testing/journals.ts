import { manualClock } from "../lib/clock.ts";
import { type Database, openDatabase } from "../state/database.ts";
import type { NewRun } from "../state/journal.ts";
import { type JournalOptions, openSqliteJournal } from "../state/journal-sqlite.ts";

/** A journal in a folder, on a clock that stands until it is told to advance. */
export async function openJournal(folder: string, options: Partial<JournalOptions> = {}) {
  const clock = manualClock();
  const database = await openDatabase(folder);
  const journal = openSqliteJournal(database, { clock, ...options });
  return { clock, database, journal, close: () => database.close() };
}

/** A run of agent `a` with what a test says of it. */
export function newRun(run: string, more: Partial<NewRun> = {}): NewRun {
  return { run, uid: "uid-a", agent: "a", generation: 1, conversation: "main", ...more };
}

/** A database that counts its commits, and whose next ones fail as they are told to. */
export function observedCommits(database: Database): {
  readonly database: Database;
  commits(): number;
  failNext(error: unknown): void;
} {
  let commits = 0;
  let failure: unknown;
  return {
    database: {
      ...database,
      query(sql, ...values) {
        if (sql !== "COMMIT") return database.query(sql, ...values);
        if (failure !== undefined) {
          const error = failure;
          failure = undefined;
          throw error;
        }
        commits += 1;
        return database.query(sql, ...values);
      },
    },
    commits: () => commits,
    failNext(error) {
      failure = error;
    },
  };
}
