import { LegionError } from "../lib/errors.ts";
import type { Json } from "../lib/json.ts";
import { formatSize } from "../lib/quantities.ts";
import { compileSchema } from "../lib/schema.ts";
import { suggest } from "../lib/suggest.ts";
import { byteLength } from "../lib/text.ts";
import type { Question } from "../state/questions.ts";

export const ANSWER_BYTES_MAX = 256 * 1024;

type Asked = Pick<Question, "id" | "choices" | "schema">;

/**
 * The first of several readings of an answer that the question allows, as the question writes it. A text that is not allowed as such
 * is also read as JSON, so that people need not tell the number 5 from the text. Throws LEG2064, about the first reading.
 */
export async function fittingAnswer(question: Asked, readings: readonly Json[]): Promise<Json> {
  let first: LegionError | undefined;
  for (const reading of readings.flatMap((answer) => [answer, ...parsedText(answer)])) {
    const checked = await checkedAnswer(question, reading);
    if (!(checked instanceof LegionError)) return checked.answer;
    first ??= checked;
  }
  throw first ?? notAllowed(question, "is empty", "give an answer");
}

/** What the text says as JSON; nothing for anything else. */
export function parsedText(answer: Json): readonly Json[] {
  if (typeof answer !== "string") return [];
  try {
    return [JSON.parse(answer)];
  } catch {
    return [];
  }
}

async function checkedAnswer(
  question: Asked,
  answer: Json,
): Promise<LegionError | { readonly answer: Json }> {
  const bytes = byteLength(JSON.stringify(answer));
  if (bytes > ANSWER_BYTES_MAX) {
    const most = formatSize(ANSWER_BYTES_MAX);
    return notAllowed(question, `has ${formatSize(bytes)}`, `give at most ${most}`);
  }
  const chosen = question.choices === undefined ? answer : choiceOf(question.choices, answer);
  if (chosen === undefined) return notAChoice(question, question.choices ?? [], answer);
  if (question.schema === undefined) return { answer: chosen };
  const validate = await compileSchema(question.schema);
  const [issue] = validate(chosen);
  if (issue === undefined) return { answer: chosen };
  const place = issue.path.length === 0 ? "" : `${issue.path.join(".")}: `;
  return notAllowed(
    question,
    `does not meet the schema: ${place}${issue.message}`,
    issue.hint,
    issue.valid,
  );
}

/** The choice that was meant; case and spaces around it do not count where that leaves only one. */
function choiceOf(choices: readonly string[], answer: Json): string | undefined {
  if (typeof answer !== "string") return undefined;
  if (choices.includes(answer)) return answer;
  const plain = (text: string) => text.trim().toLowerCase();
  const [near, ...others] = choices.filter((choice) => plain(choice) === plain(answer));
  return others.length === 0 ? near : undefined;
}

function notAChoice(question: Asked, choices: readonly string[], answer: Json): LegionError {
  const near = typeof answer === "string" ? suggest(answer, choices) : undefined;
  const list = choices.map((choice) => `"${choice}"`).join(", ");
  const hint = near === undefined ? `answer one of: ${list}` : `did you mean "${near}"?`;
  return notAllowed(question, "is none of the choices", hint, choices);
}

function notAllowed(
  { id }: Asked,
  what: string,
  hint: string,
  valid?: readonly string[],
): LegionError {
  const message = `the answer to question ${id} ${what}`;
  return new LegionError({
    code: "LEG2064",
    message,
    hint: hint === "" ? "see the schema of the question" : hint,
    ...(valid && { valid }),
  });
}
