import { type Options, type Program, parse } from "acorn";
import type { CodeForm, CodeProblem } from "./contract.ts";

type SourceType = NonNullable<Options["sourceType"]>;

/** A syntax tree, why there is none, or nothing when that cannot be told. */
export type Syntax =
  | { readonly tree: Program; readonly sourceType: SourceType }
  | { readonly problem: CodeProblem }
  | undefined;

/** What each form may be read as, the likeliest first. A script may hold `export`, which its sandbox takes off. */
const sourceTypes: Readonly<Record<CodeForm, readonly SourceType[]>> = {
  script: ["script", "module"],
  ".ts": ["module", "commonjs"],
  ".js": ["module", "commonjs"],
  ".mts": ["module"],
  ".mjs": ["module"],
};

/** Reads code as JavaScript. Of several readings that fail, the one that came farthest is told. */
export function parseCode(text: string, form: CodeForm): Syntax {
  let farthest: CodeProblem | undefined;
  for (const sourceType of sourceTypes[form]) {
    const syntax = parseAs(text, sourceType);
    if (syntax === undefined || "tree" in syntax) return syntax;
    if (farthest === undefined || syntax.problem.start > farthest.start) farthest = syntax.problem;
  }
  return farthest && { problem: farthest };
}

function parseAs(text: string, sourceType: SourceType): Syntax {
  const isScript = sourceType === "script";
  // In the source of a tool these stand at the top level too: its sandbox evaluates it.
  const alone = { allowAwaitOutsideFunction: true, allowReturnOutsideFunction: true };
  const options: Options = { ecmaVersion: "latest", sourceType, allowHashBang: true };
  try {
    return { tree: parse(text, isScript ? { ...options, ...alone } : options), sourceType };
  } catch (error) {
    // A nesting beyond the stack is no fault of syntax.
    if (!isSyntaxError(error) || error.message.startsWith("Not enough stack")) return undefined;
    return { problem: problemOf(error, text) };
  }
}

interface AcornError extends SyntaxError {
  readonly pos: number;
  readonly raisedAt: number;
}

function isSyntaxError(error: unknown): error is AcornError {
  return error instanceof SyntaxError && "pos" in error && "raisedAt" in error;
}

function problemOf({ message, pos, raisedAt }: AcornError, text: string): CodeProblem {
  const end = Math.min(Math.max(raisedAt, pos + 1), text.length);
  const told = message.replace(/ \(\d+:\d+\)$/, "");
  return problemAt(told === "Unexpected token" ? unexpected(text, pos) : told, pos, end);
}

/** The word or sign that no rule expects. */
function unexpected(text: string, pos: number): string {
  const [word = ""] = /^(?:[\w$]{1,40}|\S)?/u.exec(text.slice(pos, pos + 40)) ?? [];
  return word === "" ? "the code ends too early" : `unexpected "${word}"`;
}

/** A problem of syntax in our words: the parsers' begin with a capital and go on for several sentences. */
export function problemAt(told: string, start: number, end: number): CodeProblem {
  const [first = ""] = told.split(/\. |\n/);
  const message = first.includes("<eof>") ? "the code ends too early" : first;
  return {
    // Of TypeScript the capital stays.
    message: message.replace(/^[A-Z](?=[a-z]*\b)/, (letter) => letter.toLowerCase()),
    hint: "correct the code at that place",
    start,
    end,
  };
}
