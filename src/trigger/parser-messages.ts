import { EOF, type IParserErrorMessageProvider, type IRecognitionException } from "chevrotain";
import { suggest } from "../lib/suggest.ts";
import { Duration, PolicyWord, Time } from "./lexer.ts";
import { type Problem, type ProblemCode, problem } from "./problems.ts";

/** What the parser's own messages hold: the name of the word that it expected. Sentences are made below. */
export const messages: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => expected.name,
  buildNoViableAltMessage: ({ ruleName }) => expectedIn[ruleName] ?? "",
  buildNotAllInputParsedMessage: () => "the end",
  buildEarlyExitMessage: ({ ruleName }) => expectedIn[ruleName] ?? "",
};

const actionsText = "an action: wake, silent, tool:NAME, message:NAME, task:NAME or pipeline:NAME";
/** What may follow where a trigger could end. */
const followers =
  "for followed clear keep cooldown repeat at once every missing between except unless then and or not in contains matches startsWith endsWith".split(
    " ",
  );

/** What a rule of several alternatives begins with. */
const expectedIn: Readonly<Record<string, string>> = {
  primary: "a value",
  literal: "a value",
  clause: "a clause, such as cooldown 5m",
  action: actionsText,
  actions: actionsText,
  flagClause: "once or every poll",
  lasting: "a duration or a number of polls",
  member: "a name",
  policy: '"fire", "ignore" or "hold"',
  firingName: "the name of a watcher",
  target: "a text or a map",
  days: "a day, such as mon",
};

/** Hints for words that are expected and are not there. */
const hints: Readonly<Record<string, string>> = {
  [Duration.name]: "write a number with a unit, such as 5m; units are ms, s, m, h, d and w",
  [Time.name]: "write hours and minutes with two digits each, such as 09:00",
  '"of"': "write for 5m, for 3 polls or for 3 of 5 polls",
  "a duration or a number of polls": "write for 5m, for 3 polls or for 3 of 5 polls",
};

const codes: Readonly<Record<string, ProblemCode>> = {
  [Duration.name]: "E104",
  "a duration or a number of polls": "E104",
  [Time.name]: "E105",
};

/** A sentence with its code for an error of the parser. The token at the end of the input has no place: `end` is it. */
export function problemOf(error: IRecognitionException, end: number): Problem {
  const { token, message: expected } = error;
  const code = codes[expected] ?? "E102";
  const hint = hints[expected] ?? (expected === "" ? undefined : `expected ${expected}`);
  if (token.tokenType === EOF || Number.isNaN(token.startOffset))
    return problem(code, { start: end, end }, "unexpected end of input", hint);
  const at = { start: token.startOffset, end: token.startOffset + token.image.length };
  const found = token.image.length > 40 ? `${token.image.slice(0, 40)}...` : token.image;
  if (expected === EOF.name) return problem(code, at, `unexpected ${found}`, afterEnd(token.image));
  if (expected === PolicyWord.name && token.image === "keep")
    return problem(code, at, "unexpected keep", "write missing hold to go on with the last value");
  const message =
    code === "E104"
      ? `expected ${expected}, not ${found}`
      : code === "E105"
        ? `${found} is not a time of day`
        : `unexpected ${found}`;
  return problem(code, at, message, hint);
}

/** A hint for a word behind a trigger that could have ended before it. */
function afterEnd(word: string): string {
  const near = /^[a-z]{3,}$/i.test(word) ? suggest(word, followers) : undefined;
  if (near !== undefined && near !== word) return `did you mean ${near}?`;
  return "expected an operator, a clause such as cooldown 5m, or the end";
}
