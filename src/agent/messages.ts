import type { Json } from "../lib/json.ts";
import { formatSize } from "../lib/quantities.ts";
import type { Binding, Evaluation } from "../sandbox/contract.ts";
import type { StepFailure } from "./failure.ts";

/** How many variables a message lists. */
const VARIABLES_MAX = 50;

type Success = Extract<Evaluation, { ok: true }>;

/** What the model reads after its code has run. `persists` says whether the next step still has the variables. */
export function successText(evaluation: Success, persists: boolean): string {
  const { value, bindings, skipped } = evaluation;
  const paragraphs = [`Code executed successfully. Result:\n${fenced(value)}`];
  paragraphs.push(...logsParagraph(evaluation));
  if (persists && bindings.length > 0) paragraphs.push(variables(bindings));
  if (persists && skipped.length > 0) {
    const list = skipped.map(({ name, reason }) => `${name} (${reason})`);
    paragraphs.push(`Not kept: ${list.join(", ")}`);
  }
  return paragraphs.join("\n\n");
}

/** How each stage's failure begins. */
const headings: Readonly<Record<StepFailure["stage"], string>> = {
  code: "Code execution failed:",
  reply: "Your reply could not be used:",
  answer: "The answer was not accepted:",
};

/** What the model reads after a step that failed. */
export function failureText({ stage, error, frame, logs }: StepFailure): string {
  const paragraphs = [`${headings[stage]}\n${error.message}`];
  if (frame !== undefined) paragraphs.push(frame);
  paragraphs.push(`Hint: ${error.hint}`);
  if (error.example !== undefined) paragraphs.push(`Example: ${error.example}`);
  if (logs !== undefined) paragraphs.push(logs);
  paragraphs.push("Please fix the error and try again.");
  return paragraphs.join("\n\n");
}

/** The failure of code, as the sandbox reports it. */
export function codeFailure(evaluation: Extract<Evaluation, { ok: false }>): StepFailure {
  const { name, code, hint, line, column, frame } = evaluation.error;
  // The guest's own errors say their name themselves.
  const message = `${name === "RuntimeError" ? "" : `${name}: `}${evaluation.error.message}`;
  const position = line === undefined ? "" : ` (line ${line}, column ${column ?? 1})`;
  const [logs] = logsParagraph(evaluation);
  return {
    stage: "code",
    error: { code, message: `${message}${position}`, hint },
    ...(frame !== undefined && { frame }),
    ...(logs !== undefined && { logs }),
  };
}

function logsParagraph({ logs, logsCut }: Pick<Evaluation, "logs" | "logsCut">): string[] {
  if (logs.length === 0) return [];
  const cut = logsCut ? "\n[the rest of the logs was over the limit]" : "";
  return [`Logs:\n${logs.join("\n")}${cut}`];
}

function variables(bindings: readonly Binding[]): string {
  const shown = bindings
    .slice(0, VARIABLES_MAX)
    .map(({ name, type, bytes }) => `${name} (${type}, ${formatSize(bytes)})`);
  const rest = bindings.length - shown.length;
  return `Available variables: ${shown.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

/** The value in a code fence: text as it is, everything else as JSON. */
function fenced(value: Json | undefined): string {
  const [language, text] =
    typeof value === "string" ? ["text", value] : ["json", JSON.stringify(value) ?? "undefined"];
  const longestRun = Math.max(2, ...(text.match(/`{3,}/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longestRun + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}
