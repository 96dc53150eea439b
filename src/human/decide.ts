import { LegionError } from "../lib/errors.ts";
import type { Json } from "../lib/json.ts";
import type { Question, Questions } from "../state/questions.ts";
import { fittingAnswer } from "./answers.ts";
import type { Decision } from "./contract.ts";

/** More than are ever kept: a list is to be whole. */
export const LISTED_MAX = 1_000_000;

/**
 * Decides an open question as a person says. Throws LEG6070 when there is none of that id, LEG6071 when it was decided already,
 * LEG2063 for an answer to an approval and the other way round, LEG2064 for an answer that is not allowed; after these two it is still open.
 */
export async function decideQuestion(
  questions: Questions,
  id: string,
  decision: Decision,
  redacted: (answer: Json) => Json,
): Promise<Question> {
  const question = await findQuestion(questions, id);
  const { by } = decision;
  // What is decided already says so, whatever is wrong with this decision.
  if (question.state !== "pending") {
    return questions.decide(question.id, { state: "answered", by });
  }
  requireFor(question, decision);
  if (decision.type === "answer") {
    const answer = redacted(await fittingAnswer(question, [decision.answer]));
    return questions.decide(question.id, { state: "answered", by, answer });
  }
  const reason = decision.type === "deny" ? decision.reason : undefined;
  return questions.decide(question.id, {
    state: decision.type === "approve" ? "approved" : "denied",
    by,
    ...(reason !== undefined && { reason: String(redacted(reason)) }),
  });
}

/** The question of an id, of which the beginning or end is enough where it is the only one. */
async function findQuestion(questions: Questions, id: string): Promise<Question> {
  const exact = await questions.read(id);
  if (exact !== undefined) return exact;
  const part = id.toUpperCase();
  const all = part === "" ? [] : await questions.list({ state: "all", limit: LISTED_MAX });
  const found = all.filter((known) => known.id.startsWith(part) || known.id.endsWith(part));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const open = all.filter(({ state }) => state === "pending").map((known) => known.id);
  const valid = found.length > 0 ? found.map((known) => known.id) : open;
  throw new LegionError({
    code: "LEG6070",
    message:
      found.length > 0
        ? `"${id}" fits ${found.length} questions`
        : `no question has the id "${id}"`,
    hint:
      found.length > 0 ? "write more of the id" : "list those that are open: legion get questions",
    ...(valid.length > 0 && { valid: valid.slice(0, 20) }),
  });
}

function requireFor(question: Question, decision: Decision): void {
  const isAnswer = decision.type === "answer";
  if (isAnswer === (question.type === "question")) return;
  const commands = decidingCommands(question);
  throw new LegionError({
    code: "LEG2063",
    message: isAnswer
      ? `${question.id} is an approval: it is approved or denied, not answered`
      : `${question.id} is a question: it is answered, not approved or denied`,
    hint: `run ${commands.join(" or ")}`,
    valid: commands,
  });
}

/** The command lines that decide it. */
function decidingCommands({ id, type }: Question): readonly string[] {
  return type === "question"
    ? [`legion respond ${id} ANSWER`]
    : [`legion approve ${id}`, `legion deny ${id}`];
}
