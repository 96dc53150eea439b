import { type ProblemCode, problemTitles } from "./problems.ts";
import type { Source } from "./roots.ts";

/** What one code of the language means, and what to write instead. */
export interface ProblemPage {
  readonly title: string;
  readonly fix: string;
  /** Two triggers; none for bounds that no short text breaks. */
  readonly example?: { readonly wrong: string; readonly right: string };
}

interface Advice {
  readonly fix: string;
  readonly wrong?: string;
  readonly right?: string;
  /** Of the example; httpPoll unless given. */
  readonly source?: Source;
}

/** What to do about each problem. A test runs every example. */
export const problemAdvice: Readonly<Record<ProblemCode, Advice>> = {
  E100: {
    fix: "Write one of the words and signs of the language: and, or, not, == and so on. A string begins and ends on one line.",
    ...{ wrong: "status >= 500 | not ok", right: "status >= 500 or not ok" },
  },
  E101: { fix: "Compare with ==.", wrong: "status = 503", right: "status == 503" },
  E102: {
    fix: "The hint says what can stand there. A condition comes first, then clauses in any order, then the actions.",
    ...{ wrong: "when status >=", right: "when status >= 500" },
  },
  E103: {
    fix: "Join two comparisons with and.",
    ...{ wrong: "200 <= status < 300", right: "200 <= status and status < 300" },
  },
  E104: {
    fix: "Write a number with its unit: ms, s, m, h, d or w, several of them as in 1h30m.",
    ...{ wrong: "not ok cooldown 5", right: "not ok cooldown 5m" },
  },
  E105: {
    fix: "Write a time of day from 00:00 to 23:59. A window whose end comes before its start goes on over midnight.",
    ...{ wrong: "not ok between 18:00 and 24:00", right: "not ok between 18:00 and 00:00" },
  },
  E106: {
    fix: "Actions are wake, silent, tool:NAME, message:NAME, task:NAME and pipeline:NAME, without a space after the colon.",
    ...{ wrong: 'not ok then wak "it is down"', right: 'not ok then wake "it is down"' },
  },
  E107: {
    fix: "Keep one of the two. Only except may be repeated.",
    ...{ wrong: "not ok cooldown 5m cooldown 10m", right: "not ok cooldown 10m" },
  },
  E108: {
    fix: "Units of time are ms, s, m, h, d and w; units of size are KB, MB, GB, TB and KiB, MiB, GiB, TiB.",
    ...{ wrong: "latency > 5sec", right: "latency > 5s" },
  },
  E109: {
    fix: "Close every {{ with }}; the text between them is an expression.",
    ...{ wrong: 'not ok then wake "got {{status"', right: 'not ok then wake "got {{status}}"' },
  },
  E110: {
    fix: "Days are sun, mon, tue, wed, thu, fri and sat; a range is written mon..fri.",
    wrong: "not ok between 08:00 and 17:00 on weekdays",
    right: "not ok between 08:00 and 17:00 on mon..fri",
  },
  E201: {
    fix: "Nothing converts by itself: compare values of one type, or convert with number(), string() or timestamp().",
    ...{ wrong: 'status == "503"', right: "status == 503" },
  },
  E202: {
    fix: "Give the number a unit of time.",
    ...{ wrong: "latency > 5", right: "latency > 5s" },
  },
  E203: {
    fix: "The message tells both types. Convert one of them with number(), string() or timestamp(), or give a number its unit.",
    ...{ wrong: "latency + 1 > 5s", right: "latency + 1s > 5s" },
  },
  E204: {
    fix: 'Write a regular expression of RE2, which has no look-around and no back references. In r"..." a backslash stays one.',
    ...{ wrong: 'text matches "[error"', right: 'text matches r"\\[error"' },
  },
  E205: {
    fix: "legion trigger functions NAME shows what a function takes.",
    ...{ wrong: "size() > 3", right: "size(text) > 3" },
  },
  E206: {
    fix: "A window is a length of time or a number of polls, written out: 5m, 5 polls.",
    ...{ wrong: "avg(latency, status) > 1s", right: "avg(latency, 5m) > 1s" },
  },
  E207: {
    fix: "Write a name of the time zone database such as Europe/Oslo, or UTC.",
    wrong: 'not ok between 08:00 and 17:00 in "Oslo"',
    right: 'not ok between 08:00 and 17:00 in "Europe/Oslo"',
  },
  E208: {
    fix: "Compare the value with something, or ask exists(value).",
    ...{ wrong: "when status", right: "when status >= 500" },
  },
  E209: {
    fix: "Ask for the history of a value, not of another history.",
    ...{ wrong: "avg(prev(status), 5m) > 500", right: "avg(status, 5m) > 500" },
  },
  E210: {
    fix: "Compare with one of the values that can occur; the hint names them.",
    ...{ wrong: 'event == "added"', right: 'event == "add"', source: "fileWatch" },
  },
  E211: {
    fix: "silent means that nobody is told: let it stand alone, and leave it out of a recovery.",
    ...{ wrong: "not ok then wake, silent", right: "not ok then silent" },
  },
  E212: {
    fix: "legion trigger functions NAME shows the types that a function takes.",
    ...{ wrong: "abs(text) > 3", right: "abs(status) > 3" },
  },
  E213: {
    fix: "Only maps and lists have parts. legion trigger repl lists the names of a source, with their types, with :roots.",
    ...{ wrong: "status.code == 503", right: "status == 503" },
  },
  E214: {
    fix: "Name the element first, then write the expression about it.",
    wrong: "body.items.exists(item.price, item.price > 5)",
    right: "body.items.exists(item, item.price > 5)",
  },
  E215: {
    fix: "There is no history of elements: ask for the history of the whole list function, or of its result.",
    wrong: "body.items.exists(item, delta(item) > 5)",
    right: "delta(size(body.items.filter(item, item > 5))) > 0",
  },
  E216: {
    fix: "Write the key in quotes.",
    ...{ wrong: "body == {1: 2}", right: 'body == {"1": 2}' },
  },
  E301: {
    fix: "Choose a number within the bounds that the message names.",
    ...{ wrong: "not ok for 0 polls", right: "not ok for 3 polls" },
  },
  E302: {
    fix: "The end of a window is exclusive: give it another end, or leave the clause out.",
    ...{ wrong: "not ok between 08:00 and 08:00", right: "not ok between 08:00 and 17:00" },
  },
  E303: {
    fix: "A window of history is at most 24h or 10,000 polls.",
    ...{ wrong: "avg(latency, 2d) > 1s", right: "avg(latency, 24h) > 1s" },
  },
  E304: { fix: "A trigger has at most 4 KiB: make several watchers of it." },
  E305: { fix: "A trigger has at most 512 parts: make several watchers of it." },
  E306: { fix: "Parts stand at most 32 deep in each other: write it flatter." },
  E307: { fix: "A trigger asks for history at most 8 times: make several watchers of it." },
  E401: {
    fix: "Use a name that the source gives: legion trigger repl --source httpPoll lists them with :roots.",
    ...{ wrong: "statu >= 500", right: "status >= 500" },
  },
  E402: {
    fix: "legion trigger functions lists all of them.",
    ...{ wrong: "length(text) > 3", right: "size(text) > 3" },
  },
  E403: {
    fix: "Use one of the fields of the type that the message names.",
    ...{ wrong: 'error.reason == "timeout"', right: 'error.code == "timeout"' },
  },
};

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(problemTitles, code);
}

/** The page of a code. */
export function problemPage(code: ProblemCode): ProblemPage {
  const { fix, wrong, right } = problemAdvice[code];
  const example = wrong === undefined || right === undefined ? undefined : { wrong, right };
  return { title: problemTitles[code], fix, ...(example !== undefined && { example }) };
}
