import type { ErrorData } from "../lib/errors.ts";
import { type Json, pointerOf } from "../lib/json.ts";
import { compileSchema } from "../lib/schema.ts";
import type { SchemaIssue } from "../lib/schema-issues.ts";
import type { AgentSpec } from "../manifest/generated/agent.ts";
import type { CallReply } from "./journal/past.ts";

/** Issues told at once; a model corrects a few at a time. */
const ISSUES_SHOWN_MAX = 5;

/** What is wrong with an answer: first by the output schema, then by the agent's own check. Undefined: nothing. */
export async function answerError(
  value: Json,
  { outputSchema, answerCheck }: Pick<AgentSpec, "outputSchema" | "answerCheck">,
  call: (name: string, argument: Json) => Promise<CallReply>,
): Promise<ErrorData | undefined> {
  const validate = await compileSchema(outputSchema);
  const issues = validate(value);
  if (issues.length > 0) return schemaError(issues);
  if (answerCheck === undefined) return undefined;
  const reply = await call(answerCheck, { value });
  if (!reply.ok)
    return refused(`the answer check failed: ${reply.error.message}`, reply.error.hint ?? "");
  if (reply.value === true) return undefined;
  if (typeof reply.value === "string") return refused(reply.value, "correct the answer as it says");
  return refused("the answer check returned neither true nor a sentence", "check the answer again");
}

function schemaError(issues: readonly SchemaIssue[]): ErrorData {
  const shown = issues.slice(0, ISSUES_SHOWN_MAX);
  const sentences = shown.map(
    ({ path, message }) => `${pointerOf(path) || "the answer"} ${message}`,
  );
  const hints = new Set(shown.map(({ hint }) => hint).filter((hint) => hint !== ""));
  const rest = issues.length > shown.length ? `; and ${issues.length - shown.length} more` : "";
  return {
    code: "LEG2044",
    message: `it does not meet the output schema: ${sentences.join("; ")}${rest}`,
    hint: [...hints].join("; ") || "answer in the form that the schema wants",
  };
}

function refused(message: string, hint: string): ErrorData {
  return { code: "LEG2045", message, hint };
}
