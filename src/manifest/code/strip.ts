import { stripTypeScriptTypes } from "node:module";
import { columns } from "../frame.ts";
import type { StripTypes, TypeProblem } from "./facts.ts";
import { problemAt } from "./syntax.ts";

/** In the source of a tool `return` may stand at the top level, so it is read as the body of a function too. */
const asBody = ["async()=>{\n", "\n}"] as const;

/** The types of TypeScript blanked out. Throws when the stripper crashed: it cannot be used again then. */
export const stripTypes: StripTypes = (text, form) => {
  const whole = strip(text, ["", ""]);
  if ("script" in whole || form !== "script") return whole;
  const body = strip(text, asBody);
  // Inside a function the stripper is vague about places.
  return "script" in body || whole.problem.message.startsWith("return statement") ? body : whole;
};

function strip(text: string, [before, after]: readonly [string, string]): ReturnType<StripTypes> {
  try {
    const stripped = stripTypeScriptTypes(before + text + after);
    return { script: stripped.slice(before.length, stripped.length - after.length) };
  } catch (error) {
    return problemOf(error, text, before === "" ? 0 : 1);
  }
}

function problemOf(error: unknown, text: string, linesBefore: number): TypeProblem {
  const { code, message, stack = "" } = error as NodeJS.ErrnoException;
  const { start, end } = placeOf(stack, text, linesBefore);
  if (code === "ERR_INVALID_TYPESCRIPT_SYNTAX")
    return { problem: problemAt(message, start, end), isUnsupported: false };
  if (code !== "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX") throw error;
  const problem = problemAt(message.replace(/ in strip-only mode$/, ""), start, end);
  const hint = "types are only taken off: write in JavaScript what is more than a type";
  return { problem: { ...problem, hint }, isUnsupported: true };
}

/** How wide a tab is where Node quotes a line. */
const TAB = "    ";

/** Node tells the place at the top of the stack: the line's number, some lines up to it, and carets below. */
function placeOf(stack: string, text: string, linesBefore: number): { start: number; end: number } {
  const [, number = "1", quoted = "", indent = "", carets = ""] =
    /^.*:(\d+)\n(?:.*\n){0,3}?(.*)\n( *)(\^+)\n/.exec(stack) ?? [];
  const lines = text.split("\n");
  const index = Math.min(Math.max(Number(number) - 1 - linesBefore, 0), lines.length - 1);
  const start = lines.slice(0, index).reduce((total, { length }) => total + length + 1, 0);
  const line = lines[index] ?? "";
  if (quoted.trimEnd() !== line.replaceAll("\t", TAB).trimEnd())
    return { start, end: start + line.length };
  return {
    start: start + offsetOf(line, indent.length),
    end: start + offsetOf(line, indent.length + carets.length),
  };
}

/** The offset in a line of a column on the screen. */
function offsetOf(line: string, column: number): number {
  let offset = 0;
  for (const character of line) {
    if (columns(line.slice(0, offset).replaceAll("\t", TAB)) >= column) break;
    offset += character.length;
  }
  return offset;
}
