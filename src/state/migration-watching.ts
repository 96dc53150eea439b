/** How watchers stand, silences, and the moments of crons. */
export const watchingTables: readonly string[] = [
  `CREATE TABLE watchers (uid TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID`,
  `CREATE TABLE silences (
    id TEXT PRIMARY KEY, watcher TEXT NOT NULL UNIQUE, until_ms INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE crons (
    uid TEXT PRIMARY KEY, decided_ms INTEGER NOT NULL, runs INTEGER NOT NULL, paused TEXT, schedule TEXT
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE ticks (
    uid TEXT NOT NULL, at_ms INTEGER NOT NULL, woken_by TEXT NOT NULL, state TEXT NOT NULL, message TEXT,
    started_ms INTEGER, ended_ms INTEGER, reason TEXT, PRIMARY KEY (uid, at_ms)
  ) STRICT, WITHOUT ROWID`,
  `CREATE INDEX ticks_by_state ON ticks (uid, state, at_ms)`,
];
