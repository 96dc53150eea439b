/** What the language itself can say against a trigger. E1xx syntax, E2xx types, E3xx bounds, E4xx names. */
export const problemTitles = {
  E100: "text that is no word of the language",
  E101: "= where == is meant",
  E102: "an unexpected word, or the end too early",
  E103: "a comparison of a comparison",
  E104: "a duration is missing or has no unit",
  E105: "not a time of day",
  E106: "unknown action",
  E107: "the same clause twice",
  E108: "a number with an unknown unit",
  E109: "a template hole without its end",
  E110: "not a day of the week",
  E201: "two types that cannot be compared",
  E202: "a length of time compared with a bare number",
  E203: "an operator that these types do not have",
  E204: "an invalid regular expression",
  E205: "the wrong number of arguments",
  E206: "not a window",
  E207: "unknown time zone",
  E208: "a condition that is not true or false",
  E209: "history of history",
  E210: "a value that never occurs",
  E211: "silent beside other actions, or in a recovery",
  E212: "an argument of the wrong type",
  E213: "a field or an index of something that has none",
  E214: "a list function without the name of its element",
  E215: "history inside a list function",
  E216: "a map key that is not a string",
  E301: "a number out of its bounds",
  E302: "an empty window of time",
  E303: "a window of history that is too long",
  E304: "a trigger that is too long",
  E305: "a trigger of too many parts",
  E306: "a trigger that is nested too deeply",
  E307: "too many history calls",
  E401: "unknown name",
  E402: "unknown function",
  E403: "unknown field",
} as const;

export type ProblemCode = keyof typeof problemTitles;

/** One thing that is wrong with a trigger, and where: offsets into its text, the end exclusive. */
export interface Problem {
  readonly code: ProblemCode;
  readonly message: string;
  readonly hint?: string;
  readonly start: number;
  readonly end: number;
}

/** A stretch of the source. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** How many problems of one trigger are told; more help nobody. */
export const PROBLEMS_MAX = 10;

export function problem(code: ProblemCode, at: Span, message: string, hint?: string): Problem {
  const { start, end } = at;
  return { code, message, ...(hint !== undefined && { hint }), start, end };
}
