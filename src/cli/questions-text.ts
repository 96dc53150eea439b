import { LegionError } from "../lib/errors.ts";
import { forTerminal } from "../lib/text.ts";
import type { Question } from "../state/questions.ts";
import { ageText } from "./columns.ts";
import { shortId } from "./short-id.ts";
import { renderTable, type TableColumn } from "./table.ts";

/** Questions and approvals as a table. */
export function questionsTable(
  questions: readonly Question[],
  stream: NodeJS.WritableStream,
  now: number,
): string {
  if (questions.length === 0) return "";
  const columns: readonly TableColumn[] = [
    { title: "id", isWhole: true },
    { title: "agent" },
    { title: "type" },
    { title: "state" },
    { title: "expires", align: "right", isSpare: true },
    { title: "question", isFree: true },
  ];
  const rows = questions.map((question) => [
    ...[shortId(question.id), question.agent, question.type, question.state],
    question.state === "pending" ? leftText(question.expiresAtMs - now) : "-",
    questionText(question),
  ]);
  return renderTable(columns, rows, { stream });
}

/** The question of an id, or of the end of one. Throws LEG6070. */
export function questionNamed(questions: readonly Question[], word: string): Question {
  const near = questions.filter(({ id }) => id.endsWith(word.toUpperCase()));
  const [only] = near;
  if (only !== undefined && near.length === 1) return only;
  throw new LegionError({
    code: "LEG6070",
    message:
      near.length > 1
        ? `"${word}" fits ${near.length} questions`
        : `no question has the id "${word}"`,
    hint: "legion get questions all lists them",
  });
}

/** All of one question, and how to decide it. */
export function questionDetail(question: Question, now: number): string {
  const { id, agent, run, type, state, askedAt, by, answer, reason, text, choices, call } =
    question;
  const isOpen = state === "pending";
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["Id", id],
    ["Agent", agent],
    ["Run", run],
    ["Type", type],
    ["State", by === undefined ? state : `${state} by ${by}`],
    ["Asked", `${ageText(now - Date.parse(askedAt))} ago`],
    ["Expires", isOpen ? `in ${leftText(question.expiresAtMs - now)}` : undefined],
    ["Reason", reason],
    ["Answer", answer === undefined ? undefined : JSON.stringify(answer)],
    ["Choices", choices?.join(", ")],
    ["Call", call && `${call.name} ${JSON.stringify(call.argument)}`],
    ["Question", text],
    ["Next", isOpen ? nextCommand(question) : undefined],
  ];
  const lines = facts.flatMap(([name, fact]) =>
    fact === undefined ? [] : [`${`${name}:`.padEnd(10)}${fact}`],
  );
  return forTerminal(lines.join("\n"));
}

/** What a person is to decide, on one line. */
export function questionText({ type, text, choices, call }: Question): string {
  if (type === "approval" && call !== undefined) {
    return `${call.name} ${JSON.stringify(call.argument)}`;
  }
  return choices === undefined ? text : `${text} [${choices.join(" | ")}]`;
}

/** The command with which a person decides. */
export function nextCommand({ id, type, choices }: Question): string {
  const short = shortId(id);
  if (type === "approval") return `legion approve ${short}, or legion deny ${short}`;
  return `legion respond ${short} '${choices?.[0] ?? "..."}'`;
}

function leftText(ms: number): string {
  return ms <= 0 ? "now" : ageText(ms);
}
