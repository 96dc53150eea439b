import type { Database } from "./database.ts";
import { type DurableOptions, fencedWrites } from "./fenced-writes.ts";
import { sqliteInboxTables } from "./inbox-sqlite.ts";
import type { Journal } from "./journal.ts";
import { batchedWrites, type JournalFailpoint } from "./journal-batch.ts";
import { blobsOf } from "./journal-blobs.ts";
import { decodeStep, trusted } from "./journal-check.ts";
import { conversationsOf } from "./journal-conversations.ts";
import { endRun } from "./journal-end.ts";
import { noRun, runDamaged } from "./journal-errors.ts";
import { pruneRuns, spentSince } from "./journal-prune.ts";
import { journalRows, type ReadRun, recordOf } from "./journal-rows.ts";
import {
  appendStep,
  beginRun,
  checkTakes,
  type JournalParts,
  present,
  readChecked,
} from "./journal-steps.ts";
import { migrate } from "./migrations.ts";
import { announceQuestions } from "./questions-sqlite.ts";

export interface JournalOptions extends DurableOptions {
  /** Called with a sentence when a record that is torn was dropped, or a run was put in quarantine. */
  readonly onWarning?: (message: string) => void;
  readonly failpoint?: JournalFailpoint;
}

/** The journal in a database, which it does not own; it shares the connection with the inbox, whose messages it answers. */
export function openSqliteJournal(database: Database, options: JournalOptions): Journal {
  migrate(database);
  const parts = partsOf(database, options);
  const { rows, blobs, conversations, write, now } = parts;
  const soon = batchedWrites(write, options.failpoint);
  /** Running ones whose steps were written, or looked at, by this process. */
  const known = new Set<string>();
  return {
    begin: (run, started) =>
      soon(
        () => recordOf(beginRun(parts, run, started)),
        "turn.started",
        (record) => record.status === "running" && known.add(record.run),
      ),
    append: (run, type, data) => soon(() => appendStep(parts, run, type, data), type),
    async end(run, end) {
      await soon(
        () => endRun(parts, run, end),
        "turn.finished",
        (withdrawn) => {
          known.delete(run);
          announceQuestions(database, withdrawn);
        },
      );
    },
    ...runsOver(parts, known),
    rolledBack: (run) =>
      soon(() => {
        const row = present(parts, run);
        checkTakes(row, "call.reverted");
        rows.update({ ...row, status: "rolled-back" });
      }),
    keepBlob: (value) => soon(() => blobs.keep(value, now())),
    async blob(hash) {
      return blobs.read(hash);
    },
    async conversation(uid, name, maxMessages) {
      return conversations.read(uid, name, maxMessages);
    },
    async conversations(uid) {
      return conversations.list(uid);
    },
    forgetConversation: (uid, name) => soon(() => conversations.forget(uid, name)),
    async spent(uid, sinceMs) {
      return spentSince(database, uid, sinceMs);
    },
    prune: (limits) => pruneRuns(parts, limits),
  };
}

function partsOf(
  database: Database,
  { clock, fence, onWarning = () => {} }: JournalOptions,
): JournalParts {
  return {
    database,
    rows: journalRows(database),
    blobs: blobsOf(database),
    conversations: conversationsOf(database),
    inbox: sqliteInboxTables(database),
    looked: new Set(),
    write: fencedWrites(database, fence),
    now: () => clock.now(),
    warn: onWarning,
  };
}

/** What is known of runs; those that are not `known` are looked at before anything goes on with them. */
function runsOver(
  parts: JournalParts,
  known: Set<string>,
): Pick<Journal, "steps" | "run" | "runOfKey" | "runs" | "unfinished"> {
  const { rows, write, now } = parts;
  const recorded = (read: ReadRun | undefined) => read && recordOf(trusted(read, now()));
  const running = () => rows.running().map((read) => trusted(read, now()));
  return {
    async steps(run) {
      const read = write(() => readChecked(parts, run));
      if (read === undefined) throw noRun(run);
      if (read.row.status === "quarantined") throw runDamaged(run, read.row.reason);
      return read.steps.map(decodeStep);
    },
    async run(run) {
      return recorded(rows.find(run));
    },
    async runOfKey(key) {
      return recorded(rows.ofKey(key));
    },
    async runs(query = {}) {
      return rows.list(query).map((read) => recordOf(trusted(read, now())));
    },
    async unfinished() {
      for (const { run } of running()) {
        if (!known.has(run)) write(() => readChecked(parts, run));
        known.add(run);
      }
      return running()
        .filter(({ status }) => status === "running")
        .map(recordOf);
    },
  };
}
