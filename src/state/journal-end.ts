import { finishMessage } from "./inbox-over-tables.ts";
import type { RunEnd } from "./journal.ts";
import { appendTo, checkTakes, type JournalParts, present } from "./journal-steps.ts";
import type { Question } from "./questions.ts";
import { withdrawQuestions } from "./questions-sqlite.ts";

/**
 * Ends a run: its last step, its conversation, the answer of its message; its vault is forgotten, and what it still asks
 * people is withdrawn. Gives these questions, to be told of once all of it is on disk. To be called in a transaction.
 */
export function endRun(parts: JournalParts, run: string, end: RunEnd): readonly Question[] {
  const { database, conversations, inbox, now } = parts;
  const row = present(parts, run);
  checkTakes(row, "turn.finished");
  const { data, status, reason, tokens, conversation, answer } = end;
  const endedMs = now();
  // What may refuse does so before anything is written.
  if (conversation !== undefined) conversations.check(conversation);
  const change = { status, tokens, endedMs, ...(reason !== undefined && { reason }) };
  appendTo(parts, row, "turn.finished", data, change);
  if (conversation !== undefined) conversations.commit(conversation, endedMs);
  if (answer !== undefined) {
    const { message, generation, result } = answer;
    finishMessage(inbox, message, { generation, result }, endedMs);
  }
  const spent = [row.uid, endedMs, run, tokens];
  database.query("INSERT OR REPLACE INTO spending VALUES (?, ?, ?, ?)", ...spent);
  database.query("DELETE FROM vaults WHERE run = ?", run);
  return withdrawQuestions(database, run, endedMs);
}
