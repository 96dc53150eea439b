/**
 * What makes agents outlive the process: lanes, deliveries and dead letters of the inbox; runs, their steps and the
 * blobs that these name; conversations; questions to people; states of agents; vaults.
 */
export const durableTables: readonly string[] = [
  `ALTER TABLE messages ADD COLUMN conversation TEXT NOT NULL DEFAULT 'main'`,
  `ALTER TABLE messages ADD COLUMN dedupe_key TEXT`,
  `ALTER TABLE messages ADD COLUMN woken_by TEXT`,
  `ALTER TABLE messages ADD COLUMN delivery INTEGER NOT NULL DEFAULT 1`,
  `ALTER TABLE messages ADD COLUMN not_before_ms INTEGER NOT NULL DEFAULT 0`,
  `ALTER TABLE messages ADD COLUMN duplicates INTEGER NOT NULL DEFAULT 0`,
  `ALTER TABLE messages ADD COLUMN begun INTEGER NOT NULL DEFAULT 0`,
  // What was being answered when the process of an earlier Legion ended goes first, as it did.
  `UPDATE messages SET begun = attempts > 0`,
  `DROP INDEX messages_of_agent`,
  `CREATE INDEX messages_of_agent ON messages (uid, conversation, sender, position)`,
  `CREATE INDEX messages_by_key ON messages (uid, dedupe_key) WHERE dedupe_key IS NOT NULL`,
  `CREATE TABLE dead_letters (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, uid TEXT NOT NULL,
    at TEXT NOT NULL, sender TEXT, task TEXT NOT NULL, attempts INTEGER NOT NULL,
    conversation TEXT NOT NULL, dedupe_key TEXT, woken_by TEXT, delivery INTEGER NOT NULL,
    duplicates INTEGER NOT NULL, cause TEXT NOT NULL, died_ms INTEGER NOT NULL
  ) STRICT`,
  `CREATE INDEX dead_letters_of_agent ON dead_letters (uid, dedupe_key)`,
  `ALTER TABLE outcomes ADD COLUMN dedupe_key TEXT`,
  `ALTER TABLE outcomes ADD COLUMN duplicates INTEGER NOT NULL DEFAULT 0`,
  `CREATE INDEX outcomes_by_key ON outcomes (uid, dedupe_key) WHERE dedupe_key IS NOT NULL`,

  `CREATE TABLE runs (
    position INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE, uid TEXT NOT NULL, agent TEXT NOT NULL,
    generation INTEGER NOT NULL, conversation TEXT NOT NULL, message TEXT, parent TEXT, key TEXT UNIQUE,
    status TEXT NOT NULL, reason TEXT, started_ms INTEGER NOT NULL, ended_ms INTEGER,
    steps INTEGER NOT NULL, tokens INTEGER NOT NULL, sum TEXT NOT NULL
  ) STRICT`,
  `CREATE INDEX runs_of_agent ON runs (agent, position)`,
  `CREATE INDEX runs_of_uid ON runs (uid, ended_ms)`,
  `CREATE INDEX runs_by_status ON runs (status, position)`,
  `CREATE INDEX runs_by_end ON runs (ended_ms)`,
  `CREATE INDEX runs_of_parent ON runs (parent, position) WHERE parent IS NOT NULL`,
  `CREATE INDEX runs_of_message ON runs (message) WHERE message IS NOT NULL`,
  `CREATE TABLE steps (
    run TEXT NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL, type TEXT NOT NULL,
    bytes INTEGER NOT NULL, body BLOB NOT NULL, sum TEXT NOT NULL, PRIMARY KEY (run, seq)
  ) STRICT`,
  `CREATE TABLE spending (
    uid TEXT NOT NULL, at_ms INTEGER NOT NULL, run TEXT NOT NULL, tokens INTEGER NOT NULL,
    PRIMARY KEY (uid, at_ms, run)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE blobs (hash TEXT PRIMARY KEY, kept_ms INTEGER NOT NULL, body BLOB NOT NULL, sum TEXT NOT NULL) STRICT`,
  `CREATE TABLE blob_uses (hash TEXT NOT NULL, run TEXT NOT NULL, PRIMARY KEY (hash, run)) STRICT, WITHOUT ROWID`,
  `CREATE INDEX blob_uses_of_run ON blob_uses (run)`,
  `CREATE TABLE conversations (
    uid TEXT NOT NULL, name TEXT NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,
    turns INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, snapshot TEXT,
    sum TEXT NOT NULL, PRIMARY KEY (uid, name)
  ) STRICT`,
  `CREATE TABLE conversation_messages (
    uid TEXT NOT NULL, name TEXT NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL,
    sum TEXT NOT NULL, PRIMARY KEY (uid, name, seq)
  ) STRICT`,

  `CREATE TABLE questions (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL UNIQUE, uid TEXT NOT NULL,
    run TEXT NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL
  ) STRICT`,
  `CREATE INDEX questions_by_state ON questions (state, position)`,
  `CREATE INDEX questions_of_agent ON questions (uid, state)`,
  `CREATE INDEX questions_of_run ON questions (run, state)`,
  `CREATE TABLE lifecycles (
    uid TEXT PRIMARY KEY, state TEXT NOT NULL, reason TEXT NOT NULL, actor TEXT NOT NULL, at TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE graves (position INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT`,
  `CREATE TABLE vaults (run TEXT PRIMARY KEY, kept_ms INTEGER NOT NULL, body BLOB NOT NULL) STRICT`,
];
