import { codes, type ErrorCode } from "../lib/codes.ts";
import { formatDuration, formatSize } from "../lib/quantities.ts";
import type { EvaluationError, EvaluationErrorName, SandboxLimits } from "./contract.ts";
import { codeFrame, type Position, positionAt } from "./frame.ts";
import { hintFor } from "./hints.ts";
import { CODE_FILE, type Thrown } from "./instance.ts";
import { originalOffset, type Program } from "./rewrite.ts";

/** The code of every way to fail. */
const codeOf = {
  SyntaxError: "LEG3001",
  RuntimeError: "LEG3002",
  Timeout: "LEG3003",
  OutOfMemory: "LEG3004",
  StackOverflow: "LEG3005",
  ResultTooLarge: "LEG3006",
  NotSerialisable: "LEG3007",
  BindingsTooLarge: "LEG3008",
  TooManyToolCalls: "LEG3009",
  SandboxKilled: "LEG3010",
  Aborted: "LEG3011",
  Diverged: "LEG3013",
} as const satisfies Record<EvaluationErrorName, ErrorCode>;

/** A failure without a position. */
export function failure(name: EvaluationErrorName, message: string, hint: string): EvaluationError {
  return { name, code: codeOf[name], message, hint };
}

export function withPosition(
  error: EvaluationError,
  text: string,
  position: Position,
): EvaluationError {
  return {
    ...error,
    line: position.line,
    column: position.column,
    frame: codeFrame(text, position),
  };
}

/** The failures that say all there is to say with a number. */
export const failures = {
  timeout: ({ timeoutMs }: { timeoutMs: number }) =>
    failure(
      "Timeout",
      `the code did not finish within ${formatDuration(timeoutMs)}`,
      "do less in one evaluation, and check that every loop ends",
    ),
  stuck: () =>
    failure(
      "Timeout",
      "the code waits for a promise that nothing will settle",
      "there are no timers or events here: only calls of tools can be awaited; settle the promises that you make",
    ),
  outOfMemory: ({ memoryBytes }: SandboxLimits) =>
    failure(
      "OutOfMemory",
      `the code needed more than ${formatSize(memoryBytes)} of memory`,
      "keep less data at a time: filter early, work in parts, drop what you do not need",
    ),
  stackOverflow: () =>
    failure(
      "StackOverflow",
      "the code, or the data that it works on, is nested too deeply",
      "give the recursion an end, or use a loop with a list of what is still to do",
    ),
  resultTooLarge: ({ maxResultBytes }: SandboxLimits) =>
    failure(
      "ResultTooLarge",
      `the value of the code is larger than ${formatSize(maxResultBytes)}`,
      "keep the data in a variable and return a part, a count or a summary of it",
    ),
  notSerialisable: (reason: string) =>
    failure(
      "NotSerialisable",
      `the value of the code cannot be returned: ${reason}`,
      "return plain data: text, numbers, lists and objects",
    ),
  bindingsTooLarge: ({ maxBindingsBytes }: SandboxLimits, largest: string) =>
    failure(
      "BindingsTooLarge",
      `the variables are larger together than ${formatSize(maxBindingsBytes)}; the largest is "${largest}"`,
      "put large data into a block { ... } or a function, and keep only what the next evaluation needs",
    ),
  tooManyToolCalls: ({ maxToolCalls }: SandboxLimits) =>
    failure(
      "TooManyToolCalls",
      `the code made more than ${maxToolCalls} calls`,
      "call fewer tools in one evaluation, or ask for more with one call",
    ),
  broken: () =>
    failure(
      "SandboxKilled",
      "the code broke the engine that runs it",
      "avoid extremely deep nesting and huge values",
    ),
  killed: () =>
    failure(
      "SandboxKilled",
      "the code did not stop at its deadline and was killed",
      "avoid one built-in call over huge data, such as join or fill on a list of a billion items",
    ),
  lost: () =>
    failure(
      "SandboxKilled",
      "the worker that ran the code ended, and the code cannot be continued",
      "check what the calls that were made have done, then run the rest again",
    ),
  diverged: (difference = "the code has not made a call that it made the first time") =>
    failure(
      "Diverged",
      difference,
      "nothing was called again; check what the recorded calls have done, then run what is left as new code",
    ),
  aborted: () =>
    failure(
      "Aborted",
      "the evaluation was aborted",
      "nothing is wrong with the code; run it again if it is still wanted",
    ),
} as const;

/** What the model reads about something that its code threw. */
export function thrownError(
  thrown: Thrown,
  program: Program,
  text: string,
  limits: SandboxLimits,
  known: readonly string[],
): EvaluationError {
  const base = classify(thrown, limits, known);
  const position = positionIn(thrown.stack, program, text);
  return position === undefined ? base : withPosition(base, text, position);
}

function classify(
  thrown: Thrown,
  limits: SandboxLimits,
  known: readonly string[],
): EvaluationError {
  const { name, message } = thrown;
  if (name === "InternalError" && message === "out of memory") return failures.outOfMemory(limits);
  if (name === "RangeError" && message.includes("call stack size exceeded"))
    return failures.stackOverflow();
  const said = name === "" || message.startsWith("thrown: ") ? message : `${name}: ${message}`;
  const error = failure("RuntimeError", said, thrown.hint || hintFor(name, message, known));
  return { ...error, code: ownCode(thrown) ?? error.code };
}

/** The code of a tool's error, so that the reader finds its page. The guest can forge one, so a code outside of the table is none. */
function ownCode({ name, code }: Thrown): ErrorCode | undefined {
  return name === "ToolError" && isErrorCode(code) ? code : undefined;
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(codes, code);
}

/** The first frame of the stack that is in the model's own code. The guest can forge a stack, so a position outside of the code is none. */
function positionIn(stack: string, program: Program, text: string): Position | undefined {
  for (const [, line, column] of stack.matchAll(FRAME)) {
    const offset = originalOffset(program, Number(line), Number(column));
    if (offset !== undefined) return positionAt(text, offset);
  }
  return undefined;
}

const FRAME = new RegExp(`\\b${CODE_FILE.replace(".", "\\.")}:(\\d{1,7}):(\\d{1,7})`, "g");
