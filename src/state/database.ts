import { constants } from "node:fs";
import { open } from "node:fs/promises";
import path from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { LegionError, messageOf } from "../lib/errors.ts";
import { makeFolder } from "../lib/folders.ts";

/** What a row or a parameter holds. */
export type SqlValue = null | number | bigint | string | Uint8Array;
export type SqlRow = Record<string, unknown>;

/** The one connection of a process to its state. Statements are synchronous and short; each is prepared once. */
export interface Database {
  /** Absolute path of the file. */
  readonly file: string;
  /** Rows of a statement; an empty list for one that returns none. Failures are LEG600x. */
  query(sql: string, ...parameters: readonly SqlValue[]): SqlRow[];
  /** Ends the connection; a second call does nothing. */
  close(): void;
}

/** How long a statement waits for the write lock of another process. The event loop stands still meanwhile, so it is short. */
const BUSY_TIMEOUT_MS = 2_000;
/** Prepared statements that are kept; the oldest goes first. */
const STATEMENTS_MAX = 200;
const FILE_NAME = "legion.db";

/** Makes a state folder (0700) where it is missing. Throws LEG6001. */
export async function makeStateFolder(folder: string): Promise<void> {
  try {
    await makeFolder(path.resolve(folder), 0o700);
  } catch (error) {
    throw unusable(path.join(path.resolve(folder), FILE_NAME), error);
  }
}

/** Opens the database of a state folder: makes the folder (0700) and the file (0600) where they are missing, and tightens the file where it is wider. */
export async function openDatabase(folder: string): Promise<Database> {
  const file = path.join(path.resolve(folder), FILE_NAME);
  try {
    await makePrivate(folder, file);
  } catch (error) {
    throw unusable(file, error);
  }
  const { DatabaseSync } = await import("node:sqlite");
  let connection: DatabaseSync | undefined;
  try {
    connection = new DatabaseSync(file);
    connection.exec(
      `PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON`,
    );
    return database(connection, file);
  } catch (error) {
    connection?.close();
    throw databaseError(error, file);
  }
}

/** Runs the work in one transaction that has the write lock from its beginning; nothing of it stays when it throws. The work is synchronous, so no other user of the connection comes between. */
export function atomically<T>(database: Database, work: () => T): T {
  database.query("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.query("COMMIT");
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/** After some failures SQLite has rolled back by itself and refuses to do it again. The first failure is the one to tell. */
function rollBack(database: Database): void {
  try {
    database.query("ROLLBACK");
  } catch {}
}

/**
 * SQLite gives its -wal and -shm files the mode of the main file, so that one has to be right before it is opened. Only what is
 * the owner's own is tightened: not a folder that was there, nor a file behind a link, which a repository could have laid there.
 */
async function makePrivate(folder: string, file: string): Promise<void> {
  await makeFolder(path.resolve(folder), 0o700);
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
  const handle = await open(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  try {
    await handle.chmod(0o600);
  } finally {
    await handle.close();
  }
}

function database(connection: DatabaseSync, file: string): Database {
  const statements = new Map<string, StatementSync>();
  const prepared = (sql: string): StatementSync => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = connection.prepare(sql);
      const oldest = statements.size >= STATEMENTS_MAX ? statements.keys().next().value : undefined;
      if (oldest !== undefined) statements.delete(oldest);
      statements.set(sql, statement);
    }
    return statement;
  };
  return {
    file,
    query(sql, ...parameters) {
      try {
        return prepared(sql).all(...parameters);
      } catch (error) {
        throw databaseError(error, file);
      }
    },
    close() {
      statements.clear();
      if (connection.isOpen) connection.close();
    },
  };
}

/** Primary result codes of SQLite that have a page of their own: https://sqlite.org/rescode.html */
const resultCodes: Readonly<
  Record<
    number,
    {
      code: "LEG6001" | "LEG6002" | "LEG6003" | "LEG6004" | "LEG6006";
      what: string;
      hint: string;
    }
  >
> = {
  5: {
    code: "LEG6004",
    what: "is locked by another process",
    hint: "try again, or stop the other process that has it open",
  },
  8: {
    code: "LEG6001",
    what: "may not be written",
    hint: "make the file and its folder writable for this user",
  },
  10: {
    code: "LEG6006",
    what: "could not be read or written: the disk failed",
    hint: "check the disk, then start again; what was committed before is kept",
  },
  11: { code: "LEG6002", what: "is damaged", hint: "move the file away, or put back a copy of it" },
  13: {
    code: "LEG6003",
    what: "cannot grow: the disk is full",
    hint: "free some space, then try again",
  },
  14: {
    code: "LEG6001",
    what: "cannot be opened",
    hint: "make the file and its folder readable and writable for this user",
  },
  26: {
    code: "LEG6002",
    what: "is not an SQLite database",
    hint: "move the file away, or put back a copy of it",
  },
};

/** Whatever SQLite threw, as an error for readers that names the file. */
export function databaseError(error: unknown, file: string): LegionError {
  if (error instanceof LegionError) return error;
  const number = (error as { errcode?: unknown } | null)?.errcode;
  // The low byte is the primary code; the rest says more, for the log.
  const known = typeof number === "number" ? resultCodes[number & 0xff] : undefined;
  if (known !== undefined) {
    return new LegionError(
      { code: known.code, message: `the database ${file} ${known.what}`, hint: known.hint },
      error,
    );
  }
  const hint = "check the disk and the rights of the folder";
  return new LegionError(
    {
      code: "LEG6005",
      message: `the database ${file} refused an operation: ${messageOf(error)}`,
      hint,
    },
    error,
  );
}

function unusable(file: string, error: unknown): LegionError {
  const folder = path.dirname(file);
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new LegionError(
      {
        code: "LEG6003",
        message: `the state folder ${folder} cannot be made: the disk is full`,
        hint: "free some space, then try again",
      },
      error,
    );
  }
  const reasons: Record<string, string> = {
    EEXIST: "a file has its name",
    ENOTDIR: "a part of its path is a file",
    EISDIR: `${FILE_NAME} in it is a folder`,
    EROFS: "the file system is read-only",
    EACCES: "this user may not write there",
    EPERM: "it belongs to another user",
  };
  const reason = reasons[code ?? ""] ?? messageOf(error);
  const hint = "make it writable for this user, or run in another working folder";
  return new LegionError(
    { code: "LEG6001", message: `the state folder ${folder} cannot be used: ${reason}`, hint },
    error,
  );
}
