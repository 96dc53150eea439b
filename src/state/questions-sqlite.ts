import { LegionError } from "../lib/errors.ts";
import { byteLength, count } from "../lib/text.ts";
import type { Database, SqlRow } from "./database.ts";
import { type DurableOptions, fencedWrites } from "./fenced-writes.ts";
import { migrate } from "./migrations.ts";
import {
  QUESTION_BYTES_MAX,
  QUESTIONS_KEPT,
  QUESTIONS_PAGE,
  QUESTIONS_PENDING_MAX,
  type Question,
  type Questions,
} from "./questions.ts";
import { parsed } from "./sqlite-rows.ts";

type Decision = Parameters<Questions["decide"]>[1];

/** Ids that a refusal names. */
const IDS_TOLD = 10;
const ULID_LENGTH = 26;

/** Who is told of changes: all that have opened the questions of one connection, whoever made the change. */
const listeners = new WeakMap<Database, Set<(question: Question) => void>>();

/** The questions in a database, which it does not own. */
export function openSqliteQuestions(
  database: Database,
  { clock, fence }: DurableOptions,
): Questions {
  migrate(database);
  const write = fencedWrites(database, fence);
  const run = database.query;
  const told = listenersOf(database);
  const questions = (sql: string, ...values: (string | number)[]) =>
    run(sql, ...values).map((row) => questionOf(row, database));
  return {
    async ask(question) {
      const [kept, isNew] = write(() => {
        const known = questions("SELECT body FROM questions WHERE key = ?", question.key)[0];
        if (known !== undefined) return [known, false];
        const asked: Question = { ...question, state: "pending", askedAt: isoTime(clock.now()) };
        keep(database, asked);
        return [asked, true];
      });
      if (isNew) announceQuestions(database, [kept]);
      return kept;
    },
    async read(id) {
      return questions("SELECT body FROM questions WHERE id = ?", id)[0];
    },
    async list({ state = "pending", uid, limit = QUESTIONS_PAGE } = {}) {
      const where = [
        ...(state === "all" ? [] : ["state = ?"]),
        ...(uid === undefined ? [] : ["uid = ?"]),
      ];
      const values = [...(state === "all" ? [] : [state]), ...(uid === undefined ? [] : [uid])];
      const sql = `SELECT body FROM questions WHERE ${where.join(" AND ") || "TRUE"} ORDER BY position DESC LIMIT ?`;
      return questions(sql, ...values, limit);
    },
    async decide(id, decision) {
      const decided = write(() => {
        const question = found(database, id);
        if (question.state !== "pending") throw decidedAlready(question);
        return decide(database, question, decision, clock.now());
      });
      announceQuestions(database, [decided]);
      return decided;
    },
    async withdraw(runId) {
      announceQuestions(
        database,
        write(() => withdrawQuestions(database, runId, clock.now())),
      );
    },
    onChange(listener) {
      // Each registration is its own, also of the same function.
      const mine = (question: Question) => listener(question);
      told.add(mine);
      return () => void told.delete(mine);
    },
  };
}

/** Withdraws what a run still asks, inside the transaction of its end. What comes back is to be announced after it. */
export function withdrawQuestions(
  database: Database,
  run: string,
  nowMs: number,
): readonly Question[] {
  const sql = "SELECT body FROM questions WHERE run = ? AND state = 'pending' ORDER BY position";
  return database
    .query(sql, run)
    .map((row) => questionOf(row, database))
    .map((question) => decide(database, question, { state: "withdrawn", by: "legion" }, nowMs));
}

/** Tells those who listen on this connection. */
export function announceQuestions(database: Database, questions: readonly Question[]): void {
  for (const question of questions) {
    for (const tell of listenersOf(database)) tell(question);
  }
}

function listenersOf(database: Database): Set<(question: Question) => void> {
  const known = listeners.get(database) ?? new Set();
  listeners.set(database, known);
  return known;
}

function keep(database: Database, question: Question): void {
  const { id, key, uid, run, state } = question;
  const body = JSON.stringify(question);
  const bytes = byteLength(body);
  if (bytes > QUESTION_BYTES_MAX) {
    throw tooMuch(`the question takes ${bytes} bytes, more than ${QUESTION_BYTES_MAX}`);
  }
  const waiting = "SELECT COUNT(*) AS count FROM questions WHERE uid = ? AND state = 'pending'";
  if (Number(database.query(waiting, uid)[0]?.count) >= QUESTIONS_PENDING_MAX) {
    throw tooMuch(`${QUESTIONS_PENDING_MAX} questions of the agent wait for an answer already`);
  }
  database.query(
    "INSERT INTO questions (id, key, uid, run, state, body) VALUES (?, ?, ?, ?, ?, ?)",
    ...[id, key, uid, run, state, body],
  );
}

/** Keeps a decision, and forgets the oldest ones of runs that have ended. */
function decide(
  database: Database,
  question: Question,
  decision: Decision,
  nowMs: number,
): Question {
  const decided: Question = { ...question, ...decision, decidedAt: isoTime(nowMs) };
  const { id, state } = decided;
  const update = "UPDATE questions SET state = ?, body = ? WHERE id = ?";
  database.query(update, state, JSON.stringify(decided), id);
  database.query(
    `DELETE FROM questions WHERE position <= (SELECT MAX(position) FROM questions) - ${QUESTIONS_KEPT}
      AND state <> 'pending' AND run NOT IN (SELECT run FROM runs WHERE status = 'running')`,
  );
  return decided;
}

/** The question of an id, or of the beginning or end of one where it is the only one. */
function found(database: Database, id: string): Question {
  const whole = database.query("SELECT body FROM questions WHERE id = ?", id);
  const part = id.toUpperCase();
  const fitting =
    whole.length > 0 || part === "" || part.length >= ULID_LENGTH
      ? whole
      : database.query(
          "SELECT body FROM questions WHERE substr(id, 1, length(?1)) = ?1 OR substr(id, -length(?1)) = ?1 LIMIT ?2",
          part,
          IDS_TOLD,
        );
  const [only, ...more] = fitting.map((row) => questionOf(row, database));
  if (only === undefined) throw noQuestion(`no question has the id ${id}`);
  if (more.length === 0) return only;
  const ids = [only, ...more].map((question) => question.id);
  throw noQuestion(
    `${count(ids.length, "question")} have an id that begins or ends with ${id}`,
    ids,
  );
}

function questionOf({ body }: SqlRow, { file }: Database): Question {
  return parsed<Question>(body, file);
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function noQuestion(message: string, valid?: readonly string[]): LegionError {
  const hint = "list what waits for an answer with legion get questions, and name more of the id";
  return new LegionError({ code: "LEG6070", message, hint, ...(valid && { valid }) });
}

function decidedAlready({ id, state, by = "nobody", decidedAt }: Question): LegionError {
  return new LegionError({
    code: "LEG6071",
    message: `the question ${id} is ${state} already, by ${by} at ${decidedAt}`,
    hint: "nothing has to be done; look at it with legion get questions all",
  });
}

function tooMuch(message: string): LegionError {
  const hint = "answer or deny some of those that wait, and keep large data in files";
  return new LegionError({ code: "LEG6072", message, hint });
}
